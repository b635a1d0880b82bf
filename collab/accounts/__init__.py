"""People with an account: how they prove who they are, and what is kept about them. No web framework."""

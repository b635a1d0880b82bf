"""Who may do what: grants, tokens, share links."""

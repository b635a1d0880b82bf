"""Who may do what on which tab or material, also in sessions that are open already."""

"""Who may see and do what: accounts, roles, places."""

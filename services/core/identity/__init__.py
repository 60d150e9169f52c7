"""Who calls: organizations, keys, roles, and what each may do."""

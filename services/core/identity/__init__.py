"""Identity and authorisation: organizations, API keys, roles, and what each may do."""

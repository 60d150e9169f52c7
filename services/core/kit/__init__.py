"""Plumbing that holds no word of the domain: clock, ids, numbers, errors, database."""

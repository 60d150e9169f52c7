"""Figures computed from register rows, proposed as drafts, and stored with their sources."""

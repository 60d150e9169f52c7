"""Reported values: one for (indicator, organization, period), and their review."""

"""Submissions: the reported value of an (indicator, organization, period), and its review."""

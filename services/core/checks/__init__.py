"""Checks at entry (审核关系): what is held against a figure as it comes in, and what is found."""

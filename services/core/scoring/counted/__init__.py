"""Sums of the values that count now, and of those that would count if some values changed."""

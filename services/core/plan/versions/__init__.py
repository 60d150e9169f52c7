"""Versions of a plan before the one in force."""

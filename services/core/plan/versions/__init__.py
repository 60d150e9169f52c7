"""Versions of a plan before the one in force: what was drawn by them, and what they had."""

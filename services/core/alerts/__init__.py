"""Deadlines and other causes: who is to be told when, what was told, and what was answered."""

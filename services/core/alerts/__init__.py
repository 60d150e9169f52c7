"""Deadlines coming up and passed: who is told, at which stage, and who is told next."""

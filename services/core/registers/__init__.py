"""Registers (台账): lists that the plan describes as data, kept row by row with their history."""

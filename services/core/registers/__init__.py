"""Registers (台账): lists that the plan defines as data, kept row by row with their history."""

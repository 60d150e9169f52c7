"""What was found by a score sheet, what points that gives, and what becomes of it."""

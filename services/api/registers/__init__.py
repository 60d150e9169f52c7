"""Registers as callers see them: what the plan says of each, their rows, and verbs on a row."""

"""Registers over HTTP: their definitions in the plan, their rows, and verbs on a row."""

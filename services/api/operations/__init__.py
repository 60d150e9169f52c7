"""Paths of long work that a caller started."""

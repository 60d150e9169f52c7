"""Schemas of extensions: requests for more time, and their answers."""

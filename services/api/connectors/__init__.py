"""Connectors: where figures are reported, what a superior answered, and schemas of these."""

"""Routes and schemas of reported values and their review."""

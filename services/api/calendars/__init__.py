"""Routes and schemas of working days."""

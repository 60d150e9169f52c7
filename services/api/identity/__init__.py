"""Routes and schemas of keys and organizations."""

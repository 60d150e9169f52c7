"""Routes and schemas of the numbered log."""

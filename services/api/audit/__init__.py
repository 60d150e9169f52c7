"""Routes and schemas of the audit."""

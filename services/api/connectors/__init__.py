"""Routes and schemas of connectors: reporting figures to superior platforms."""

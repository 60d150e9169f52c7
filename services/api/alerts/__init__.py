"""Routes and schemas of alerts and of the rules by which they are raised."""

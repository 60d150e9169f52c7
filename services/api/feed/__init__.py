"""Routes and schemas of the event log."""

"""Routes and schemas of what waits for the caller, and of calendars to subscribe to."""

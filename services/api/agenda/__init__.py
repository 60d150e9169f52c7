"""Routes and schemas of a caller's to-do list, and of calendar subscriptions."""

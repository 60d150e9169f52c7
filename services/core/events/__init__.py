"""The event log: an event is written with its change, and numbered after the commit."""

"""Endpoints of other systems, and the deliveries of events to them until each has an outcome."""

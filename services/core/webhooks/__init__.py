"""Webhooks: endpoints of other systems, and deliveries of events to them."""

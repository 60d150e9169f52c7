"""The HTTP API: parses, authorises, calls core and renders. It makes no domain decisions."""

"""The service: its core, its two doors, and the console that starts them."""

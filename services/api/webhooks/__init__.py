"""Paths of webhook endpoints and of what was delivered to them."""

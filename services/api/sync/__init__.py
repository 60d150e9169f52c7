"""Sync over HTTP: what a device wrote without a network, and what it has to know."""

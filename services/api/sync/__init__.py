"""Sync over HTTP: the writes of an offline device, and the updates it needs."""

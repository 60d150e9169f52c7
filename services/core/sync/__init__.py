"""Sync: writes made without a network, taken in once, and merged with what happened meanwhile."""

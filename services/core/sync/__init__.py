"""Sync: writes made offline, each taken in once, and merged with what happened meanwhile."""

"""Conflicts over HTTP."""

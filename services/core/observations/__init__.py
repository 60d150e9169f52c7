"""Observations: the same figure from another source, kept beside the official one."""

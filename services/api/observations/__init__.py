"""Observations over HTTP: values of the plan's figures according to other sources."""

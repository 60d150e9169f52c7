"""Observations over HTTP: what other sources say of the plan's figures."""

"""Paths of evidence: files that come in, are looked at, and go out."""

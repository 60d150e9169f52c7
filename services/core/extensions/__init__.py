"""Negotiated dates: somebody asks for more time with a reason, somebody else decides."""

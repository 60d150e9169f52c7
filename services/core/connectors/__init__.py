"""Connectors: figures reported to a superior's platform, in its codes, and its receipts."""

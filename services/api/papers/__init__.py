"""Routes of the office's outgoing papers."""

"""Score sheets, and what was found by them, over HTTP."""

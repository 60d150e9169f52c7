"""Score sheets, and assessments by them, over HTTP."""

"""What is reported to a superior's platform: which figures, in its codes, and what it answered."""

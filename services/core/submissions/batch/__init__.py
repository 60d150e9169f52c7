"""Many submissions in one call: judged row by row, written in a constant number of statements."""

"""Reports of progress on many milestones at once, as a sheet brings them."""

"""Progress reports on many milestones at once, as imported from a sheet."""

"""The audit: the record of changes to keys and settings rather than to the plan."""

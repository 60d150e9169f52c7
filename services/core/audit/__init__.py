"""The record of what concerns keys and settings rather than the plan."""

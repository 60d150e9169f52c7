"""Points that subjects lost, by item and month."""

"""The figures of a plan as connectors report them."""

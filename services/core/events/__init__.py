"""The log of what happened: recorded with the change, numbered after commit."""

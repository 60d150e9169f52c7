"""What `wufei connector check` plays against a superior's platform."""

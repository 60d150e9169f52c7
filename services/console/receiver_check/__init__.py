"""What `wufei webhook check` plays to a receiver, and how it judges the answers."""

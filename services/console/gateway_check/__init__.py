"""What `wufei gateway check` plays to an installation as a partner, and what is right."""

"""What each unit promised under a measure, by when, and how far it is."""

"""What waits for whom, soonest due first: as a list, and as a calendar to subscribe to."""

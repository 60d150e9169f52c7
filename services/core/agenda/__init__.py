"""The agenda: work that waits for a person, soonest due first; also as a calendar feed."""

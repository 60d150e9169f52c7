"""Code shared by the routes of conflicts; the routes themselves are with their subjects."""

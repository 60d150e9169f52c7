"""People: who they are, which posts they hold and when, and how they sign in."""

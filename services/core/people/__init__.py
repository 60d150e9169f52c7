"""People: who they are, which posts they hold from when to when, and how they sign in."""

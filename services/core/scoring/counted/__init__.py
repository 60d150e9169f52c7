"""What counts now, added up, and what would count if some values counted otherwise."""

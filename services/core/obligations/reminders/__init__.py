"""Reminders: the office asks exactly those who have not reported, once a day."""

"""Alerts on deadlines and other causes: whom to notify and when, notices sent, and reactions."""

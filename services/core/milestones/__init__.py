"""Milestones: what each unit promised under a measure, the due date, and the progress."""

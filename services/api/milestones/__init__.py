"""The door to milestones and to the progress of tasks."""

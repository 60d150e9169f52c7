"""Routes and schemas of milestones and of the progress of tasks."""

"""Conflicts over milestones: two versions of a report or a request, until somebody picks one."""

"""Assessments by score sheets: findings, the points that they give, and the workflow."""

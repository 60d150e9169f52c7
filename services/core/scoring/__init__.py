"""Scoring: from approved values to attainments, lights, scores and grades, by following the log."""

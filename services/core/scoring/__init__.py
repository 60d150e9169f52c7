"""From approved values to attainments, lights, scores and grades, driven by the log."""

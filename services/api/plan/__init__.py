"""Routes and schemas of plans, indicators, tasks, periods, targets and open questions."""

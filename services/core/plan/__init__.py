"""The plan as data: its document, versions, periods, assigned targets, open questions."""

"""`wufei demo`: its story, a month of the plan as data, and the stage that plays it."""

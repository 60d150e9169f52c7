"""`wufei demo`: a month of the plan on a set clock, as data, and the stage it plays on."""

"""How good the reporting of units is: complete, in time, never returned, in no conflict."""

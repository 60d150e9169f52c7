"""The console program `wufei`: starts, checks and feeds the system; no rule of the domain."""

"""The console program `wufei`: starts, checks and feeds the system; it holds no domain rule."""

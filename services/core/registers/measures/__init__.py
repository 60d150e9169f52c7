"""Figures over the rows of registers: reckoned, proposed as drafts, kept with what they rest on."""

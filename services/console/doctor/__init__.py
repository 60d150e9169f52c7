"""Looks at every part from outside and says what is wrong and what to do; it repairs nothing."""

"""Conflicts over rows of registers: two versions of a column, until somebody picks one."""

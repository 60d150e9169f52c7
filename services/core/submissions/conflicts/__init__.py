"""Conflicts over submissions: two intended versions of one value, kept until somebody decides."""

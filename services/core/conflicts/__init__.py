"""Conflicts: two versions of one value that both were meant, kept until somebody decides."""

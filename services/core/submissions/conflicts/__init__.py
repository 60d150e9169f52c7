"""Conflicts: two versions of one value that both are meant, kept until somebody decides."""

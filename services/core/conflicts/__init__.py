"""Conflicts: two intended versions of one thing, kept until somebody chooses one.

This package holds what all conflicts have in common. The things themselves (in
`submissions.conflicts`, `registers.conflicts` and `milestones.conflicts`) define who decides and
what follows from a decision; the module `subject` of each describes its differences.
"""

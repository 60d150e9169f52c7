"""Conflicts: two versions of one thing that both are meant, kept until somebody takes one.

What all of them have in common stands here. What conflicts are over, who decides, and what follows
from taking a version is with the thing: in `submissions.conflicts`, `registers.conflicts` and
`milestones.conflicts`, each of which says in `subject` what is not the same for all.
"""

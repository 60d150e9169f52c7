"""Refusals of conflicts."""

from services.core.kit.errors import NotFound, TransitionRefused
from services.core.kit.text import Text


class ConflictNotFound(NotFound):
    """No conflict of this id lies within what the caller may see."""

    code = "conflict-not-found"
    title = Text("未找到该冲突", "There is no such conflict")


class ConflictDecided(TransitionRefused):
    """The conflict was decided before, or is none any more."""

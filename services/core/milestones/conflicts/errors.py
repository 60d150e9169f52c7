"""Refusals of conflicts over milestones."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class MilestoneConflictNotFound(NotFound):
    """No conflict over a milestone of this id lies within what the caller may see."""

    code = "milestone-conflict-not-found"
    title = Text("未找到该里程碑冲突", "There is no such conflict over a milestone")

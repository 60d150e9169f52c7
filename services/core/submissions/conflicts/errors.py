"""Errors about conflicts over submissions."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class ConflictNotFound(NotFound):
    """No conflict of this id lies within what the caller may see."""

    code = "conflict-not-found"
    title = Text("未找到该冲突", "There is no such conflict")

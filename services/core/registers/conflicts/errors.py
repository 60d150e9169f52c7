"""Refusals of conflicts over rows of registers."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class RegisterRowConflictNotFound(NotFound):
    """No conflict over a row of this id lies within what the caller may see."""

    code = "register-row-conflict-not-found"
    title = Text("未找到该台账行冲突", "There is no such conflict over a row of a register")

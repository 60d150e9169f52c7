"""Refusals of obligations."""

from services.core.kit.errors import NotFound, TransitionRefused
from services.core.kit.text import Text


class ObligationNotFound(NotFound):
    """There is no such obligation within what the caller may see."""

    code = "obligation-not-found"
    title = Text("未找到该填报义务", "There is no such obligation")


class ObligationNotExtendable(TransitionRefused):
    """The value was handed in or is owed no more, or the period takes none: no date moves."""

    code = "obligation-not-extendable"
    title = Text(
        "该数据已上报、无须再报，或本期已关闭，不能延期",
        "The value was handed in, is owed no more or can no longer be; no date can move",
    )

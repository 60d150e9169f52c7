"""Refusals of appeals."""

from services.core.kit.errors import (
    DomainError,
    Forbidden,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class AppealNotFound(NotFound):
    """No appeal of this id lies within what the caller may see."""

    code = "appeal-not-found"
    title = Text("未找到该申诉", "There is no such appeal")


class AppealWaiting(DomainError):
    """An earlier appeal against it waits for its answer; `appeal_id` names it."""

    code = "appeal-waiting"
    kind = RefusalKind.CONFLICT
    title = Text("已有申诉待处理", "An earlier appeal waits for its answer")


class AppealTooLate(DomainError):
    """The sheet takes no appeals, or the last day, `appeal_until`, has passed."""

    code = "appeal-too-late"
    kind = RefusalKind.CONFLICT
    title = Text("已过申诉期限，或不受理申诉", "The days for an appeal are over, or there are none")


class OwnAppeal(Forbidden):
    """Nobody decides on an appeal that they filed, or on what they assessed."""

    code = "own-appeal"
    title = Text(
        "不能处理本人或本单位提出的申诉，也不能处理对本人所评结果的申诉",
        "Nobody decides on an appeal of their own, or against what they assessed",
    )


class AppealTransitionRefused(TransitionRefused):
    """The appeal was decided or withdrawn."""

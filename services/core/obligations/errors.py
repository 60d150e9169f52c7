"""Errors that the obligations slice raises."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind, TransitionRefused
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


class PeriodAnswered(DomainError):
    """Units handed in values since it was opened, or it was published: it can only be closed."""

    code = "period-answered"
    kind = RefusalKind.CONFLICT
    title = Text(
        "已有单位上报或本期曾经发布，不能撤回开启，只能关闭",
        "Values were handed in since, or it was published: it can be closed, not taken back",
    )

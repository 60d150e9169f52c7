"""Errors that the feed slice raises."""

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text


class CursorExpired(DomainError):
    """What comes after the position is served no more; `oldest_position` is the first there is."""

    code = "cursor-expired"
    kind = RefusalKind.GONE
    title = Text(
        "该位置之后的部分事件已不再保留",
        "Some of the events after this position are kept no more",
    )

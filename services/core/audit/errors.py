"""Errors that callers of the audit can cause."""

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text


class LinkNotThere(DomainError):
    """The chain of the city has not come to that number."""

    code = "link-not-there"
    kind = RefusalKind.INVALID
    title = Text("审计链还没有这个编号", "The chain of the audit has not come to that number")

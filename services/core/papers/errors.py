"""Refusals of papers."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind
from services.core.kit.text import Text


class PaperNotFound(NotFound):
    """There is no such paper within what the caller may see: none is shown before it is whole."""

    code = "paper-not-found"
    title = Text("未找到该文件", "There is no such paper")


class PaperFigureNotFound(NotFound):
    """The paper prints no figure under this number."""

    code = "paper-figure-not-found"
    title = Text("该文件中没有此编号的数据", "The paper has no figure of this number")


class PaperUnderWay(DomainError):
    """So many papers of the caller's are being made that it has to wait for one of them."""

    code = "paper-under-way"
    kind = RefusalKind.CONFLICT
    title = Text(
        "正在制作的文件过多，请等其中一份完成或取消后再试",
        "Too many papers are being made: wait for one of them, or cancel its operation",
    )

"""Errors that the imports slice raises."""

from collections.abc import Sequence
from uuid import UUID

from services.core.kit.errors import DomainError, Fault, NotFound, RefusalKind, TransitionRefused
from services.core.kit.text import Text


class ImportNotFound(NotFound):
    """There is no such import of the caller's."""

    code = "import-not-found"
    title = Text("未找到该导入", "There is no such import")


class FormNotFound(NotFound):
    """There is no official form of this name."""

    code = "form-not-found"
    title = Text(
        "没有这种填报表，可写 indicators 或 tasks",
        "There is no such form: write indicators or tasks",
    )


class MarkedCopyNotFound(NotFound):
    """The import has no copy with its faults: none was found, or it is kept no more.

    Copies are kept for a week, the last twenty of a credential.
    """

    code = "marked-copy-not-found"
    title = Text("没有标注副本", "There is no marked copy")


class ImportTransitionRefused(TransitionRefused):
    """The import is not at a point where this can be done."""


class ImportHasFaults(DomainError):
    """The file has faults, and none of it is written; the marked copy shows each."""

    code = "import-has-faults"
    kind = RefusalKind.CONFLICT
    title = Text("文件有问题，不能导入", "The file has faults and cannot be imported")


class TooManyImports(DomainError):
    """The caller has as many imports under way as it may have; confirm or discard one.

    Files with faults are not under way.
    """

    code = "too-many-imports"
    kind = RefusalKind.CONFLICT
    title = Text(
        "待检查或待确认的导入已达 20 个，请先确认或放弃；7 天未处理的自动放弃",
        "Twenty imports wait to be judged or confirmed: confirm or discard one; what nobody"
        " confirms for 7 days is discarded",
    )


_SETTLE = Text("请确认或放弃 /v1/imports/{id}", "Confirm or discard /v1/imports/{id}")


def too_many(ids: Sequence[UUID]) -> TooManyImports:
    """Return the refusal of one more; it names those under way, which no list does."""
    return TooManyImports(
        faults=[Fault("", "import-under-way", _SETTLE.format(id=one), str(one)) for one in ids]
    )

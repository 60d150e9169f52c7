"""Refusals of evidence."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind
from services.core.kit.text import Text


class EvidenceNotFound(NotFound):
    """No file of evidence of this id lies within what the caller may see."""

    code = "evidence-not-found"
    title = Text("未找到该佐证材料", "There is no such evidence")


class TargetNotAssigned(NotFound):
    """The superior has assigned no target of this year to the indicator."""

    code = "target-not-assigned"
    title = Text("该年度尚未下达目标", "No target of that year was assigned")


class EvidenceRemoved(DomainError):
    """The file was removed: its record stays, its content does not."""

    code = "evidence-removed"
    kind = RefusalKind.GONE
    title = Text("该佐证材料已移除", "The evidence was removed")


class EvidenceRestedUpon(DomainError):
    """Something was approved or closed with the file, or counts by it: it stays."""

    code = "evidence-rested-upon"
    kind = RefusalKind.CONFLICT
    title = Text(
        "已有审核通过、办结、下达或申诉的内容以该材料为依据，不能移除；可另行补充",
        "What was approved, closed, assigned or appealed rests upon it, so it stays: add another"
        " beside it",
    )


class TooManyFiles(DomainError):
    """It has as many files as the plan allows; remove one first."""

    code = "too-many-files"
    kind = RefusalKind.CONFLICT
    title = Text("佐证材料件数已达上限", "It has as many files as the plan allows")


class FileTooLarge(DomainError):
    """It is longer than the plan takes, as the detail says; split it, or make it smaller."""

    code = "file-too-large"
    kind = RefusalKind.TOO_LARGE
    title = Text("文件超过大小上限", "The file is longer than the plan allows")


class EvidenceLinkEnded(DomainError):
    """The link has expired, or the key that made it is good no more."""

    code = "evidence-link-ended"
    kind = RefusalKind.GONE
    title = Text("链接已失效，请重新获取", "The link has ended: ask for another")


def file_too_large(most: int) -> FileTooLarge:
    """Return the refusal of a file longer than `most` bytes."""
    shown = f"{most / 1024 / 1024:.4g} MiB"
    return FileTooLarge(
        detail=Text(
            f"文件超过计划规定的 {shown}，请压缩图片或拆分后上传",
            f"The plan takes files of at most {shown}: make its pictures smaller, or split it",
        ),
        extra={"max_bytes": most},
    )


class ArchiveNotFound(NotFound):
    """There is no such archive of the caller's: it is not made yet, or kept no more."""

    code = "evidence-archive-not-found"
    title = Text("未找到该压缩包", "There is no such archive")


class ArchiveUnderWay(DomainError):
    """One archive of the caller's is being made; wait for it, or cancel its operation."""

    code = "evidence-archive-under-way"
    kind = RefusalKind.CONFLICT
    title = Text("已有一个压缩包正在制作", "An archive is being made already")

"""A plan's rules of evidence (佐证材料): which files it allows, and where some are required. Pure.

A submission's or a milestone's files are stored with it as pieces, so that judging it needs no
look-up.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import from_json

from services.core.kit.errors import Fault
from services.core.kit.file_kinds import FILE_KINDS, FileKind
from services.core.kit.text import Text
from services.core.plan.members import Entry

MOST_BYTES = 100 * 1024 * 1024
"""The largest file size that a plan may allow, in bytes."""

Piece = Mapping[str, Any]
"""A file attached to something: `id`, `file_name`, `type`, `size`, `sha256`, `kept`.

`kept` is true once its subject was approved or closed with it: then it stays."""


class EvidenceLimits(Entry):
    """Which files of evidence are taken: bytes of one, files for one thing, kinds of them."""

    max_bytes: Annotated[int, Field(ge=1024, le=MOST_BYTES, strict=True)] = 20 * 1024 * 1024
    max_files: Annotated[int, Field(ge=1, le=100, strict=True)] = 20
    types: Annotated[tuple[FileKind, ...], Field(min_length=1, max_length=20)] = FILE_KINDS


class RequiredEvidence(Entry):
    """How many files must be there before something is handed in, and of which kinds."""

    min_files: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    types: Annotated[tuple[FileKind, ...], Field(min_length=1, max_length=20)] | None = None


def pieces_of(files: Sequence[Piece] | str | None) -> list[Piece]:
    """Return the contents of a column of pieces, as JSON text or as parsed by the model."""
    found: Sequence[Piece] = from_json(files) if isinstance(files, str) else files or ()
    return list(found)


def counting(rule: RequiredEvidence, pieces: Sequence[Piece]) -> int:
    """Return how many pieces are of a kind that a rule counts."""
    return sum(rule.types is None or one["type"] in rule.types for one in pieces)


def lacking(rule: RequiredEvidence | None, pieces: Sequence[Piece], path: str) -> list[Fault]:
    """Return the faults of missing files by a rule; `path` is where files are added."""
    if rule is None or (there := counting(rule, pieces)) >= rule.min_files:
        return []
    kinds = "" if rule.types is None else ", ".join(rule.types)
    of_kinds = Text(f"（{kinds}）" if kinds else "", f" ({kinds})" if kinds else "")
    words = Text(
        f"须附佐证材料至少 {rule.min_files} 件{of_kinds.zh}，现有 {there} 件：请用 POST {path}"
        " 上传后再提交；尚未填报的，先保存为草稿（draft）",
        f"It rests upon at least {rule.min_files} files of evidence{of_kinds.en}, and has {there}:"
        f" add them by POST {path}, then hand it in; make what is not there yet as a draft first",
    )
    return [Fault("/evidence", "evidence-missing", words)]


def all_kept(files: Sequence[Piece] | None) -> list[dict[str, Any]] | None:
    """Return pieces marked as kept, because their subject was decided with them."""
    return None if files is None else [{**one, "kept": True} for one in files]


def still_missing(rule: RequiredEvidence | None, pieces: Sequence[Piece]) -> int:
    """Return how many more files a rule requires."""
    return 0 if rule is None else max(rule.min_files - counting(rule, pieces), 0)

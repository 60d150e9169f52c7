"""The stored form of a paper: its content, its digest, and the description of its files. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from services.core.papers.blocks import PaperText
from services.core.papers.figures import as_json

FORMATS: Mapping[str, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
"""The formats of papers, with their media types."""

_SHOWN_OF_DIGEST = 16
_GROUP = 4


DOCUMENTS = ("docx", "pdf", "xlsx")
"""The formats that every paper has; some come with an archive of the evidence too."""


@dataclass(frozen=True, slots=True)
class PaperFileMade:
    """A paper in one format: its bytes, or the token of its file in the file store."""

    format: str
    content: bytes | None
    size: int
    sha256: str
    file_token: UUID | None = None

    @classmethod
    def of(cls, form: str, content: bytes) -> "PaperFileMade":
        """Return the file of a paper from its bytes."""
        return cls(form, content, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class PaperContent:
    """The stored content of a paper: JSON. `position` is the log position of its figures."""

    content: Mapping[str, Any]
    figures: Sequence[Mapping[str, Any]]
    position: int

    @property
    def digest(self) -> str:
        """The hexadecimal digest that identifies this content."""
        return hashlib.sha256(to_json([self.content, self.figures, self.position])).hexdigest()

    @property
    def title(self) -> str:
        """The title of the paper."""
        return str(self.content["title"])

    @property
    def as_of(self) -> date:
        """The local date of its figures."""
        return date.fromisoformat(self.content["as_of"])


def kept(text: PaperText, position: int) -> PaperContent:
    """Return the stored form of a paper."""
    head = text.head
    content = {
        "title": text.title,
        "head": {
            "issuer": head.issuer,
            "year": head.year,
            "number": head.number,
            "status": head.status,
            "landscape": head.landscape,
        },
        "blocks": list(text.blocks),
        "as_of": text.as_of.isoformat(),
    }
    return PaperContent(content, [as_json(one) for one in text.book.figures], position)


def code_of(digest: str) -> str:
    """Return the code printed in a paper to find it by: the first digits of its digest."""
    shown = digest[:_SHOWN_OF_DIGEST].upper()
    return "-".join(shown[at : at + _GROUP] for at in range(0, len(shown), _GROUP))


def closing_of(made: PaperContent) -> str:
    """Return the last line of a paper, on how its figures are traced."""
    return (
        f"数据溯源：方括号内及“编号”栏的数字为本文件的数据编号，数据截至账目第{made.position}条；"
        f"凭核验码 {code_of(made.digest)} 和数据编号，可查到该数据的来源与此后的变动。"
    )

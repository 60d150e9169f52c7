"""The content of a paper, independent of the file format: a head, and a list of blocks. Pure.

A block is JSON, so that a paper is stored as it was written. A run is a piece of text and the
number of the figure that it prints, or null.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.core.papers.figures import FigureBook

Run = tuple[str, int | None]
"""A piece of text, and the number of the figure in it."""

PaperBlock = dict[str, Any]
"""JSON; `kind` names the function below that made it."""


@dataclass(frozen=True, slots=True)
class PaperHead:
    """The head of a paper. `number` and `year` None are left blank, to be filled in by hand.

    `year` is the year of issue, whatever period the paper is about. Without an `issuer` there is no
    red head. `status` is the plan's status, such as 征求意见稿; None: not shown. `landscape` turns
    the pages.
    """

    issuer: str | None
    year: int | None
    number: str | None
    status: str | None
    landscape: bool = False


@dataclass(frozen=True, slots=True)
class PaperText:
    """A whole paper in its stored form: its head, its blocks and its figures."""

    title: str
    head: PaperHead
    blocks: Sequence[PaperBlock]
    book: FigureBook
    as_of: date


def runs(*pieces: str | Run) -> list[list[Any]]:
    """Return runs; a plain string prints no figure."""
    return [[piece, None] if isinstance(piece, str) else list(piece) for piece in pieces]


def title(text: str) -> PaperBlock:
    """Return the title of a paper, or of one of its annexes."""
    return {"kind": "title", "text": text}


def heading(level: int, text: str) -> PaperBlock:
    """Return a heading; level 1 is 一、, 2 is （一）, 3 is 1."""
    return {"kind": "heading", "level": level, "text": text}


def paragraph(*pieces: str | Run, indent: bool = True) -> PaperBlock:
    """Return a paragraph of the body."""
    return {"kind": "paragraph", "runs": runs(*pieces), "indent": indent}


def note(*pieces: str | Run) -> PaperBlock:
    """Return a note in small print."""
    return {"kind": "note", "runs": runs(*pieces)}


def table(
    columns: Sequence[tuple[str, int, str]], rows: Iterable[Sequence[str]], *, marks: bool
) -> PaperBlock:
    """Return a table. A column has a name, a share of the width, and `left`, `center` or `right`.

    With `marks` the last cell of each row is the number of its figure.
    """
    return {
        "kind": "table",
        "columns": [list(column) for column in columns],
        "rows": [list(row) for row in rows],
        "marks": marks,
    }


def ruled_form(rows: Iterable[tuple[str, Sequence[Run | str]]]) -> PaperBlock:
    """Return a form: one line per row, with a label and its content."""
    return {"kind": "form", "rows": [[label, runs(*pieces)] for label, pieces in rows]}


def annex(number: int | None, text: str) -> PaperBlock:
    """Return the beginning of an annex, on a new page."""
    label = "附件" if number is None else f"附件{number}"
    return {"kind": "annex", "label": label, "text": text}


def signature(issuer: str, day: str | None) -> PaperBlock:
    """Return the issuer and the date; without a day it is left to be filled in by hand."""
    return {"kind": "signature", "issuer": issuer, "day": day or "    年  月  日"}

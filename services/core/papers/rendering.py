"""Renders a paper as files. Byte for byte reproducible. Pure.

It loads large libraries, so that only code that makes papers imports it.
"""

from collections.abc import Mapping
from typing import Any

from services.core.papers.docx_writing import docx_of
from services.core.papers.making import PaperContent, PaperFileMade, closing_of
from services.core.papers.pdf_writing import pdf_of
from services.core.papers.traced_files import PaperMark, with_trace
from services.core.papers.typesetting import LANDSCAPE, PORTRAIT, in_brackets, title_lines
from services.core.papers.xlsx_writing import xlsx_of

TRACED = frozenset({"docx", "xlsx"})
"""The formats that contain their provenance."""


def rendered(made: PaperContent, form: str, mark: PaperMark | None = None) -> PaperFileMade:
    """Return a paper in one of `making.DOCUMENTS`.

    With a `mark` the file contains its content and the sources of its figures, if the format
    allows.
    """
    plain = _written(made, form)
    if mark is None or form not in TRACED:
        return PaperFileMade.of(form, plain)
    return PaperFileMade.of(form, with_trace(plain, made, mark))


def _written(made: PaperContent, form: str) -> bytes:
    head = _set_head(made.content["head"])
    if form == "xlsx":
        return xlsx_of(made.content["blocks"], made.figures, closing_of(made), head["status"])
    given: dict[str, Any] = {
        "head": head,
        "blocks": _set_titles(made),
        "title": made.title,
        "as_of": made.as_of,
        "closing": closing_of(made),
    }
    writers = {"docx": docx_of, "pdf": pdf_of}
    return writers[form](**given)


def _set_head(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head of a paper with its status in brackets."""
    status = head["status"]
    return {**head, "status": in_brackets(status) if status else None}


def _set_titles(made: PaperContent) -> list[dict[str, Any]]:
    """Return the blocks of a paper with its titles broken into lines."""
    longest = LANDSCAPE if made.content["head"]["landscape"] else PORTRAIT
    return [
        {**block, "text": "\n".join(title_lines(block["text"], longest))}
        if block["kind"] in {"title", "annex"}
        else block
        for block in made.content["blocks"]
    ]

"""A paper as files: the same paper gives the same bytes. Pure.

It loads the libraries that write them, which are large; only whoever makes papers imports it.
"""

from typing import Any

from services.core.papers.docx_writing import docx_of
from services.core.papers.making import PaperContent, PaperFileMade, closing_of
from services.core.papers.pdf_writing import pdf_of
from services.core.papers.xlsx_writing import xlsx_of


def rendered(made: PaperContent, form: str) -> PaperFileMade:
    """Return a paper in one of `making.DOCUMENTS`."""
    if form == "xlsx":
        return PaperFileMade.of(
            form, xlsx_of(made.content["blocks"], made.figures, closing_of(made))
        )
    given: dict[str, Any] = {
        "head": made.content["head"],
        "blocks": made.content["blocks"],
        "title": made.title,
        "as_of": made.as_of,
        "closing": closing_of(made),
    }
    writers = {"docx": docx_of, "pdf": pdf_of}
    return PaperFileMade.of(form, writers[form](**given))

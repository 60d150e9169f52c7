"""Writes a paper as a PDF/A to seal, with embedded fonts. Byte for byte reproducible. Pure.

The fonts (Noto Serif SC and Noto Sans SC, SIL OFL) come with a package whose licence allows
distribution; those of official papers do not. Nothing is read from the system, so the bytes are the
same on every machine.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import typst
from pylopdf_fonts_zh_cn import sans_path, serif_path

_TEMPLATE = Path(__file__).with_name("paper.typ")
_FONTS = {"body": "Noto Serif SC", "heading": "Noto Sans SC"}


@cache
def _fonts() -> typst.Fonts:
    """Return the fonts, read once: only ours."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[sans_path().parent, serif_path().parent],
    )


def pdf_of(
    *,
    head: Mapping[str, Any],
    blocks: Sequence[Mapping[str, Any]],
    title: str,
    as_of: date,
    closing: str,
) -> bytes:
    """Return a paper as PDF. `closing` is the last line, on how its figures are traced."""
    given = {
        "head": head,
        "blocks": blocks,
        "title": title,
        "as_of": [as_of.year, as_of.month, as_of.day],
        "closing": closing,
        "fonts": _FONTS,
    }
    return typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"paper": json.dumps(given, ensure_ascii=False)},
        pdf_standards="a-2b",
        timestamp=datetime.combine(as_of, time(), UTC),
    )

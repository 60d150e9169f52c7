"""Size limits of a sheet. Each is checked before the data that it bounds is in memory."""

from dataclasses import dataclass

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True)
class SheetLimits:
    """The bounds of one file; lengths of text are in characters, all other sizes in bytes.

    `inflated` is what a part of a workbook may come to; one that is longer than `suspicious` may
    be `ratio` times as long as it is compressed. `rows` counts those that hold anything.
    `directory` bounds the list of a workbook's parts, `token` a name, an attribute or a comment
    of its XML, `line` a line of text with all that its quotes hold.
    """

    file: int = 8 * _MIB
    inflated: int = 256 * _MIB
    suspicious: int = 8 * _MIB
    ratio: int = 200
    directory: int = 256 * _KIB
    token: int = 256 * _KIB
    depth: int = 48
    sheets: int = 100
    rows: int = 100_200
    columns: int = 200
    cells: int = 4_000_000
    cell_text: int = 32_767
    strings: int = 300_000
    text: int = 16_000_000
    styles: int = 65_536
    merged: int = 10_000
    line: int = 256 * _KIB


LIMITS = SheetLimits()
"""Twelve columns of 100,000 rows are well within them, with a few rows of headings."""

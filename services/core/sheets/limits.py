"""Size limits of a sheet. Each is checked before the data that it bounds is in memory."""

from dataclasses import dataclass

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True)
class SheetLimits:
    """The limits of a file; lengths of text are in characters, all other sizes in bytes.

    `inflated` is the largest size of an inflated part of a workbook; a part larger than
    `suspicious` may be at most `ratio` times its compressed size. `rows` counts non-empty rows.
    `directory` limits the list of a workbook's parts, `token` a name, an attribute or a comment of
    its XML, `line` a line of text with its quoted content.
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
"""The default limits, which easily allow 100,000 rows of twelve columns with some heading rows."""

"""Writes CSV as office programs read it: UTF-8 with a byte order mark and CRLF (RFC 4180).

Text that such a program would take for a formula is escaped, see `formula_cells`.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from services.api.exports.columns import Table
from services.core.kit.formula_cells import as_text
from services.core.kit.text import Language

BYTE_ORDER_MARK = "\ufeff"


class DelimitedWriter:
    """Writes one table as CSV."""

    holds_many = False

    def __init__(self, language: Language) -> None:
        self._language = language
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)
        self._text.write(BYTE_ORDER_MARK)

    def begin(self, table: Table) -> None:
        """Begin the table with its headings."""
        self._table = table
        self._writer.writerow(map(_cell, table.headings(self._language)))

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows."""
        cells = self._table.cells
        self._writer.writerows([_cell(one) for one in cells(row)] for row in rows)

    def end(self) -> None:
        """Do nothing: nothing is buffered."""

    def close(self) -> None:
        """Abandon an unfinished file: nothing is buffered."""

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


def _cell(value: Any) -> Any:
    if type(value) is str:
        return as_text(value)
    if type(value) is bool:
        return "true" if value else "false"
    return value

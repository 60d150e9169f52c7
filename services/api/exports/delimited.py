"""CSV as office programs read it: UTF-8 with a byte order mark, lines that end in CRLF (RFC 4180).

Such a program takes a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
formula. An apostrophe before it keeps it a text. What is a number stays as it is, below zero too.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.api.exports.columns import Table
from services.core.kit.text import Language

BYTE_ORDER_MARK = "\ufeff"

RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""What a text begins with that may be taken for a formula; the full-width signs in East Asia."""

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
"""What an office program takes for a number, whatever sign it begins with."""


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
        """Write what is left: nothing."""

    def close(self) -> None:
        """Let go of a file that is not to be ended: nothing is held."""

    def taken(self) -> bytes:
        """Return what was written since this was asked last."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


def _cell(value: Any) -> Any:
    if type(value) is str:
        if RISKY.match(value) and not NUMBER.fullmatch(value):
            return f"'{value}"
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return value

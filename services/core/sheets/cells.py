"""The value of a cell, exactly as the person who filled it in sees it. Pure.

A workbook stores a number as the text of a double. The number that was meant is the shortest
decimal that gives this double: 40.649999999999999 is 40.65. At most fifteen digits survive that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Literal, NamedTuple

from services.core.kit.decimals import plain

CellKind = Literal[
    "text", "number", "percent", "date", "boolean", "error", "uncalculated", "imprecise"
]
"""The kind of a cell's value. `percent`: a number shown as a percentage; `uncalculated`: a formula
without a trustworthy value; `imprecise`: a number of more than 15 digits."""

NumberFormat = Literal["number", "percent", "date"]
"""The format of a number."""


class Cell(NamedTuple):
    """A non-empty cell. `text` is a number without exponent, or a date in ISO 8601."""

    kind: CellKind
    text: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A non-empty row, its cells by column; rows and columns count from 1."""

    number: int
    cells: Mapping[int, Cell]
    hidden: bool = False


class CellRange(NamedTuple):
    """A merged range of cells, from one corner to the other, both included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SURE_DIGITS = 15
_LONGEST_NUMBER = 64


def number_text(raw: str, *, computed: bool) -> str | None:
    """Return the decimal that a stored number stands for; None: it has more than 15 digits.

    The result of a formula (`computed`) is rounded to 15 digits, as programs show it.

    Raises:
        ValueError: it is no finite number.
    """
    if len(raw) <= _SURE_DIGITS and _PLAIN.fullmatch(raw):
        return plain(Decimal(raw))
    if len(raw) > _LONGEST_NUMBER or "_" in raw:
        raise ValueError("not a number")
    double = float(raw)
    if not isfinite(double):
        raise ValueError("not finite")
    shown = f"{double:.{_SURE_DIGITS}g}"
    if not computed and float(shown) != double:
        return None
    return plain(Decimal(shown))


_EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 (a sheet's dates have no zone)
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_FALSE_LEAP_DAY = 60
_LAST_DAY = 2_958_466
_SECONDS = 86_400


def date_text(serial: str, *, from_1904: bool) -> str:
    """Return the date, and the time if there is any, of a serial day number.

    Before 1 March 1900 the serial numbers of the 1900 system are one too high, because it has a 29
    February 1900.

    Raises:
        ValueError: it is no number, or outside the range of dates in sheets.
    """
    days = float(serial)
    if not 0 <= days < _LAST_DAY:
        raise ValueError("no day")
    epoch = _EPOCH_1904 if from_1904 else _EPOCH_1900
    if not from_1904 and days < _FALSE_LEAP_DAY:
        days += 1
    moment = epoch + timedelta(seconds=round(days * _SECONDS))
    at_midnight = moment.hour == moment.minute == moment.second == 0
    return moment.date().isoformat() if at_midnight else moment.isoformat()


def day_number(text: str) -> float:
    """Return the serial number of a day in the 1900 system; the inverse of `date_text`.

    Raises:
        ValueError: it is outside the range of dates in sheets.
    """
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    days = (moment - _EPOCH_1900) / timedelta(days=1)
    if days <= _FALSE_LEAP_DAY:
        days -= 1
    if not 0 <= days < _LAST_DAY:
        raise ValueError("no day")
    return days


_BUILT_IN: Mapping[int, NumberFormat] = {
    **dict.fromkeys((9, 10), "percent"),
    **dict.fromkeys((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)), "date"),
}
"""Formats that a workbook need not describe (ECMA-376, part 1, 18.8.30); 27 to 36 and 50 to 58
are dates in Chinese, Japanese and Korean programs."""

_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_OF_DATES = re.compile("[ymdhs年月日]", re.IGNORECASE)


def format_of(number: int, code: str | None) -> NumberFormat:
    """Return the kind of a number format by its id and, if it has one, its format code."""
    if code is None:
        return _BUILT_IN.get(number, "number")
    said = _NOT_FORMAT.sub("", code)
    if "general" in said.lower():
        return "number"
    if _OF_DATES.search(said):
        return "date"
    return "percent" if "%" in said else "number"


_MOST_LETTERS = 3
_LETTERS = 26


def column_number(letters: str) -> int:
    """Return the number of a column, A being 1.

    Raises:
        ValueError: they are no column letters.
    """
    if not 1 <= len(letters) <= _MOST_LETTERS or not (letters.isascii() and letters.isupper()):
        raise ValueError("no column")
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column, 1 being A."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell, such as `B7`."""
    return f"{column_letters(column)}{row}"


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """Return a text of a workbook with its `_xHHHH_` escapes decoded (ECMA-376, 22.4.2.4)."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: _character(int(found[1], 16)), text)


def _character(code: int) -> str:
    # Lone surrogates are no characters, and cannot be stored.
    return "\ufffd" if 0xD800 <= code <= 0xDFFF or code == 0 else chr(code)  # noqa: PLR2004

"""Yields the rows of a sheet as it is inflated; its declared dimension is ignored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.core.sheets.archive import Archive
from services.core.sheets.cells import (
    Cell,
    CellKind,
    CellRange,
    NumberFormat,
    SheetRow,
    cell_name,
    column_number,
    date_text,
    number_text,
    unescaped,
)
from services.core.sheets.errors import refused
from services.core.sheets.limits import SheetLimits
from services.core.sheets.markup import Markup

_LAST_ROW = 1_048_576
_LAST_COLUMN = 16_384
_DIGITS = "0123456789"
_TYPED: Mapping[str, CellKind] = {"b": "boolean", "e": "error", "d": "date"}


@dataclass(frozen=True, slots=True)
class CellContext:
    """The parts of a workbook that cells refer to."""

    strings: Sequence[str]
    styles: Sequence[NumberFormat]
    from_1904: bool
    recalculates: bool


class Worksheet:
    """A sheet. `merged` and `hidden_columns` are known after its rows were read."""

    def __init__(
        self, archive: Archive, part: str, reading: CellContext, limits: SheetLimits
    ) -> None:
        self.merged: list[CellRange] = []
        self.hidden_columns: set[int] = set()
        self._archive, self._part, self._reading = archive, part, reading
        self._limits = limits
        self._found: list[SheetRow] = []
        self._columns: dict[str, int] = {}
        self._told = self._cells_read = self._row = self._column = 0
        self._row_name = ""
        self._row_hidden = False
        self._cells: dict[int, Cell] = {}
        self._type = self._style = ""
        self._formula = self._valued = self._pronounced = False
        self._markup = Markup(
            {
                "row": self._begin_row,
                "c": self._begin_cell,
                "f": self._begin_formula,
                "v": self._begin_value,
                "t": self._begin_text,
                "rPh": self._begin_pronounced,
                "col": self._note_column,
                "mergeCell": self._note_merged,
            },
            {
                "row": self._end_row,
                "c": self._end_cell,
                "v": self._end_text,
                "t": self._end_text,
                "rPh": self._end_pronounced,
            },
            limits,
        )

    def rows(self) -> Iterator[SheetRow]:
        """Yield the non-empty rows, once.

        Raises:
            SheetRefused: the sheet is damaged, or exceeds a limit.
        """
        for piece in self._archive.parts_of(self._part):
            self._markup.feed(piece)
            yield from self._take_found()
        self._markup.feed(b"", last=True)
        yield from self._take_found()

    def gone(self) -> tuple[int, int]:
        """Return how many bytes were read so far, and the total."""
        return self._markup.fed, self._archive.size_of(self._part)

    def _take_found(self) -> list[SheetRow]:
        found, self._found = self._found, []
        return found

    def _begin_row(self, attributes: dict[str, str]) -> None:
        said = attributes.get("r")
        number = self._row + 1 if said is None else _number(said, _LAST_ROW)
        if number <= self._row:
            raise refused("damaged-workbook")
        self._row, self._row_name, self._column = number, str(number), 0
        self._row_hidden = attributes.get("hidden", "0") in {"1", "true"}
        self._cells = {}

    def _end_row(self) -> None:
        if not self._cells:
            return
        self._told += 1
        if self._told > self._limits.rows:
            raise refused("too-many-rows")
        self._found.append(SheetRow(self._row, self._cells, self._row_hidden))
        self._cells = {}

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._cells_read += 1
        if self._cells_read > self._limits.cells:
            raise refused("too-many-cells")
        name = attributes.get("r")
        column = self._column + 1 if name is None else self._column_of(name)
        if column <= self._column:
            raise refused("damaged-workbook")
        self._column = column
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._formula = self._valued = False

    def _column_of(self, name: str) -> int:
        letters = name.rstrip(_DIGITS)
        if name[len(letters) :] != self._row_name:
            raise refused("damaged-workbook")
        number = self._columns.get(letters)
        if number is None:
            try:
                number = column_number(letters)
            except ValueError:
                raise refused("damaged-workbook") from None
            if number > _LAST_COLUMN:
                raise refused("damaged-workbook")
            self._columns[letters] = number
        return number

    def _begin_formula(self, _: dict[str, str]) -> None:
        self._formula = True

    def _begin_value(self, _: dict[str, str]) -> None:
        self._valued = self._markup.wanted = True

    def _begin_text(self, _: dict[str, str]) -> None:
        self._markup.wanted = not self._pronounced

    def _end_text(self) -> None:
        self._markup.wanted = False

    def _begin_pronounced(self, _: dict[str, str]) -> None:
        self._pronounced = True

    def _end_pronounced(self) -> None:
        self._pronounced = False

    def _end_cell(self) -> None:
        text = self._markup.text()
        if not (text or self._formula):
            return
        if self._column > self._limits.columns:
            raise refused("cell-outside", cell_name(self._row, self._column))
        cell = self._cell(text)
        if cell is not None:
            self._cells[self._column] = cell

    def _cell(self, text: str) -> Cell | None:
        if self._formula:
            waits = self._reading.recalculates or not self._valued
            if waits or not (text or self._type == "str"):
                return Cell("uncalculated", "")
        if not text:
            return None
        if self._type == "n":
            return self._of_number(text)
        if self._type == "s":
            return self._shared(text)
        if self._type in {"str", "inlineStr"}:
            return Cell("text", unescaped(text))
        if self._type in _TYPED:
            return Cell(_TYPED[self._type], text)
        raise refused("damaged-workbook")

    def _shared(self, text: str) -> Cell | None:
        index = _number(text, len(self._reading.strings), least=0)
        if index >= len(self._reading.strings):
            raise refused("damaged-workbook")
        found = self._reading.strings[index]
        return Cell("text", found) if found else None

    def _of_number(self, text: str) -> Cell:
        styles = self._reading.styles
        style = _number(self._style, _LAST_ROW, least=0)
        shown = styles[style] if style < len(styles) else "number"
        try:
            if shown == "date":
                return Cell("date", date_text(text, from_1904=self._reading.from_1904))
            number = number_text(text.strip(), computed=self._formula)
        except (ValueError, OverflowError):
            return Cell("error", text)
        return Cell("imprecise", text) if number is None else Cell(shown, number)

    def _note_column(self, attributes: dict[str, str]) -> None:
        if attributes.get("hidden", "0") in {"1", "true"}:
            first = _number(attributes.get("min", "1"), _LAST_COLUMN)
            last = _number(attributes.get("max", "1"), _LAST_COLUMN)
            self.hidden_columns.update(range(first, min(last, self._limits.columns) + 1))

    def _note_merged(self, attributes: dict[str, str]) -> None:
        if len(self.merged) >= self._limits.merged:
            raise refused("too-many-merged")
        first, _, last = attributes.get("ref", "").partition(":")
        self.merged.append(CellRange(*_place(first), *_place(last or first)))


def _number(text: str, most: int, *, least: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LAST_ROW))):
        raise refused("damaged-workbook")
    number = int(text)
    if not least <= number <= most:
        raise refused("damaged-workbook")
    return number


def _place(name: str) -> tuple[int, int]:
    letters = name.rstrip(_DIGITS)
    try:
        return _number(name[len(letters) :], _LAST_ROW), column_number(letters)
    except ValueError:
        raise refused("damaged-workbook") from None

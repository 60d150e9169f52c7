"""Checks the rows of totals in a sheet against the sums of its columns. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from services.core.imports.cell_values import number_of, total_in
from services.core.kit.decimals import plain, total
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.register_entries import Register
from services.core.sheets.cells import SheetRow

_OF_A_PART = "小计"
_DIFFERS = Text(
    "第 {row} 行“{column}”的合计为 {said}，与以上各行之和 {found} 不符",
    "Row {row}: the total of {column} is {said}, and the rows above come to {found}",
)


class TotalRows:
    """The sums of a register's number columns in a sheet: overall, and since the last 小计."""

    def __init__(self, register: Register, at: Mapping[str, int]) -> None:
        """Take the columns of the sheet that hold numbers."""
        numbers = [one.code for one in register.columns if one.type in {"decimal", "integer"}]
        self._at = {code: at[code] for code in numbers if code in at}
        self._names = {one.code: one.name for one in register.columns}
        self._whole = dict.fromkeys(self._at, Decimal(0))
        self._part = dict.fromkeys(self._at, Decimal(0))

    def add(self, row: SheetRow) -> None:
        """Add the numbers of a row; blanks and other values add nothing."""
        for code, number in self._numbers(row):
            self._whole[code] = total([self._whole[code], number])
            self._part[code] = total([self._part[code], number])

    def faults(self, row: SheetRow) -> tuple[Fault, ...]:
        """Return a fault for each number of a row of totals that differs from its column's sum.

        Blank totals are ignored, and other rows have no faults. Pointers name the column.
        """
        named = total_in(row)
        if named is None:
            return ()
        sums = self._part if named == _OF_A_PART else self._whole
        wrong = tuple(
            Fault(
                f"/values/{code}",
                "total-differs",
                self._told(row.number, code, said, sums[code]),
                plain(said),
            )
            for code, said in self._numbers(row)
            if said != sums[code]
        )
        self._part = dict.fromkeys(self._at, Decimal(0))
        return wrong

    def _told(self, row: int, code: str, said: Decimal, found: Decimal) -> Text:
        return _DIFFERS.format(
            row=str(row), column=self._names[code], said=plain(said), found=plain(found)
        )

    def _numbers(self, row: SheetRow) -> Iterator[tuple[str, Decimal]]:
        for code, at in self._at.items():
            cell = row.cells.get(at)
            found = None if cell is None else number_of(code, cell)
            if isinstance(found, Decimal):
                yield code, found

"""Tables that compare the figures of several periods (同比, 环比), and mark rule changes. Pure.

Two values are compared only if they were measured alike: if the plan has changed how an indicator
is measured, it is marked, and no change across that is computed.
"""

from collections.abc import Iterator, Mapping, Sequence

from services.core.papers.blocks import PaperBlock, note, table
from services.core.papers.figures import FigureBook
from services.core.papers.ground import BoardLine, OtherBoard, PaperGround
from services.core.papers.sentences import NONE, change_text, period_name, value_text

NOT_COMPARABLE = "不可比"
BREAK = "※"

_FIRST = (("指标", 25, "left"), ("计量单位", 8, "center"))
_VALUE_SHARE, _CHANGE_SHARE, _NUMBER_SHARE = 10, 14, 12


def series_title(ground: PaperGround) -> str:
    """Return the title of the table of several periods."""
    return f"近{len(ground.earlier) + 1}期完成情况对比表"


class SeriesWriter:
    """Writes the table of a paper's indicators over the periods; `book` numbers its figures."""

    def __init__(
        self,
        ground: PaperGround,
        book: FigureBook,
        rows: Sequence[BoardLine],
        numbers: Mapping[str, int],
    ) -> None:
        self._ground, self._book = ground, book
        self._rows, self._numbers = rows, numbers

    def blocks(self) -> Iterator[PaperBlock]:
        """Yield the table with its notes; nothing if no earlier period has a scoreboard."""
        ground = self._ground
        if not ground.earlier:
            return
        lines = [self._line(row) for row in self._rows]
        columns = [
            *_FIRST,
            *((period_name(one.period), _VALUE_SHARE, "center") for one in ground.earlier),
            (period_name(ground.period), _VALUE_SHARE, "center"),
            *((name, _CHANGE_SHARE, "center") for name, _ in self._compared()),
            ("编号", _NUMBER_SHARE, "center"),
        ]
        yield table(columns, lines, marks=True)
        yield note(*self._told(any(BREAK in cell for line in lines for cell in line)))

    def _compared(self) -> Iterator[tuple[str, OtherBoard | None]]:
        """Yield the comparison of each column; for a year, the period before is the last year."""
        ground = self._ground
        if ground.period.frequency != "annual":
            yield "较上期", ground.previous
        yield "较上年同期" if ground.period.frequency != "annual" else "较上年", ground.last_year

    def _is_part(self, row: BoardLine) -> bool:
        boards = [other for _, other in self._compared() if other is not None]
        return any(self._ground.spans_differ(row, other) for other in boards)

    def _lacks(self, row: BoardLine) -> bool:
        earlier = ((other, other.row_of(row["code"])) for other in self._ground.earlier)
        return self._ground.lacking(row) > 0 or any(
            then is not None and self._ground.lacking(then, other) > 0 for other, then in earlier
        )

    def _told(self, broken: bool) -> Iterator[str]:
        names = [
            f"“{name}”为与{period_name(other.period)}相比"
            for name, other in self._compared()
            if other is not None
        ]
        told = "，".join(names) + "；" if names else ""
        yield f"{told}率的变动以百分点计，其他以增长、下降的百分比计。"
        if any(self._is_part(row) for row in self._rows):
            yield "累计数月数不同的（如全年未满），不相比较，变动写作“—”。"
        if any(self._lacks(row) for row in self._rows):
            yield "“缺几份”为该数尚缺几份数据（一个单位一期为一份），不全的不相比较，变动写作“—”。"
        yield "“未报”为应报而没有数据，“—”为无此项或无基期，0为实际数值。编号依次为各期的数据编号。"
        if broken:
            yield (
                f"“{BREAK}”表示自该期起该指标的计量单位、口径或计算方法有变，"
                f"与此前各期不连续，相应变动写作“{NOT_COMPARABLE}”。"
            )

    def _line(self, row: BoardLine) -> list[str]:
        code = row["code"]
        ground = self._ground
        boards = [*ground.earlier, None]
        cells, numbers = [], []
        for at, other in enumerate(boards):
            there = row if other is None else other.row_of(code)
            begun = at > 0 and ground.is_broken(code, boards[at - 1], other)
            if there is None:
                cells.append(NONE)
                continue
            shown = value_text(there, with_unit=False) + ground.marks(there, other)
            cells.append(f"{BREAK if begun else ''}{shown}")
            numbers.append(
                self._numbers[code] if other is None else self._noted(there, other, shown)
            )
        changes = [self._change(row, other) for _, other in self._compared()]
        name = self._ground.name_of(row)
        return [name, row["unit"], *cells, *changes, ranges_text(numbers)]

    def _noted(self, row: BoardLine, other: OtherBoard, shown: str) -> int:
        """Number an indicator's figure of an earlier period, which is traced in that period."""
        names = ("state", "value", "level", "data_status")
        return self._book.note(
            f"indicator/{row['code']}@{other.period.code}",
            f"{self._ground.name_of(row)}（{period_name(other.period)}）",
            shown,
            {name: row[name] for name in names},
            indicator=row["code"],
            period=other.period.code,
        )

    def _change(self, row: BoardLine, other: OtherBoard | None) -> str:
        if other is None:
            return NONE
        then = self._ground.value_beside(row, other)
        if self._ground.is_broken(row["code"], other, None) and then is not None:
            return NOT_COMPARABLE if row["value"] is not None else NONE
        return change_text(row["value"], then, row["unit"])


def ranges_text(numbers: Sequence[int]) -> str:
    """Return numbers with consecutive ones as a range: 49–52、8."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return "、".join("–".join(map(str, one)) for one in ranges)

"""The special report (专项报告) on one indicator or a group. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from services.core.papers.blocks import (
    PaperBlock,
    PaperHead,
    PaperText,
    Run,
    annex,
    heading,
    note,
    paragraph,
    signature,
    table,
    title,
)
from services.core.papers.figures import FigureBook
from services.core.papers.ground import BoardLine, PaperGround, note_rows, row_cells
from services.core.papers.sentences import (
    attainment_text,
    day_name,
    growth,
    ordinal,
    period_name,
    rate_difference,
    value_text,
)
from services.core.papers.series_tables import SeriesWriter, series_title
from services.core.papers.standing_notes import (
    incomplete_notes,
    late_paragraphs,
    method_note,
    unreported,
)
from services.core.plan.target_names import name_of_written
from services.core.scoring.adding_up import is_reached

_COLUMNS = (
    ("指标", 34, "left"),
    ("计量单位", 9, "center"),
    ("现状值", 10, "center"),
    ("目标值", 13, "center"),
    ("完成值", 12, "center"),
    ("完成目标", 11, "right"),
    ("较上期", 14, "center"),
    ("灯", 6, "center"),
    ("编号", 6, "center"),
)


def rows_about(ground: PaperGround, about: str) -> tuple[str, list[BoardLine]]:
    """Return the name and rows of a part of the plan; `about` is `group/…` or `indicator/…`.

    There are no rows if the scoreboard does not have the part.
    """
    kind, _, code = about.partition("/")
    if kind == "group":
        names = {one.code: one.name for one in ground.plan.document.groups}
        return names.get(code, code), [row for row in ground.rows if row["group"] == code]
    rows = [row for row in ground.rows if row["code"] == code]
    return (ground.name_of(rows[0]) if rows else code), rows


def special_report(
    ground: PaperGround, about: str, texts: Mapping[str, str], head: PaperHead, day: str | None
) -> PaperText:
    """Return the report on a part of the plan."""
    name, rows = rows_about(ground, about)
    writer = _Special(ground, rows)
    called = f"关于“{name}”{period_name(ground.period)}完成情况的专项报告"
    blocks = [
        title(called),
        paragraph(texts["addressees"], indent=False),
        paragraph(texts["opening"]),
        heading(1, "一、总体情况"),
        *writer.totals(name),
        heading(1, "二、各指标情况"),
        *writer.each(),
        heading(1, "三、存在的主要问题"),
        *writer.problems(),
        heading(1, "四、下一步工作"),
        *(paragraph(line) for line in texts["next_steps"].splitlines() if line.strip()),
        signature(texts["issuer"], day),
        annex(1 if ground.earlier else None, f"“{name}”指标完成情况表"),
        *writer.table(),
        *writer.series(name),
    ]
    return PaperText(title=called, head=head, blocks=blocks, book=writer.book, as_of=ground.as_of)


class _Special:
    """Writes the parts of a report, and numbers the figures in them."""

    def __init__(self, ground: PaperGround, rows: list[BoardLine]) -> None:
        self._ground, self._rows = ground, rows
        self.book = FigureBook(ground.period.code)
        self._numbers = note_rows(ground, self.book, rows)

    def totals(self, name: str) -> Iterator[PaperBlock]:
        """Yield how many indicators there are, by light."""
        rows = self._rows
        yield paragraph(
            f"截至{day_name(self._ground.as_of)}，“{name}”共有指标",
            self._count("all", rows),
            "，达到目标",
            self._count("met", [row for row in rows if is_reached(row)]),
            "，红灯",
            self._count("light/red", [row for row in rows if row["light"] == "red"]),
            "，应报未报",
            self._count("missing", unreported(rows)),
            "。",
        )

    def _count(self, name: str, rows: list[BoardLine]) -> Run:
        codes = [row["code"] for row in rows]
        number = self.book.note(
            f"count/{name}",
            "指标项数",
            f"{len(codes)}项",
            {"count": str(len(codes)), "indicators": "、".join(codes)},
            rests_on=(self._numbers[code] for code in codes),
        )
        return f"{len(codes)}项", number

    def each(self) -> Iterator[PaperBlock]:
        """Yield a paragraph for each indicator."""
        for at, row in enumerate(self._rows, 1):
            pieces: list[str | Run] = [
                f"（{ordinal(at)}）{self._ground.name_of(row)}。完成值",
                (value_text(row), self._numbers[row["code"]]),
                f"{self._ground.marks(row)}，目标{name_of_written(row['target'])}",
            ]
            if row["attainment"] is not None:
                pieces.append(f"，完成目标的{attainment_text(row['attainment'])}")
            pieces += self._compared(row)
            leads = "、".join(self._ground.leads_of(row)) or "方案未明确"
            yield paragraph(*pieces, f"。{row['reason']}。牵头单位：{leads}。")

    def _compared(self, row: BoardLine) -> list[str | Run]:
        """Return the comparison of a value with the period before and the year before."""
        found: list[str | Run] = []
        for other, then in (
            (self._ground.previous, self._ground.before(row)),
            (self._ground.same_of_last_year, self._ground.a_year_ago(row)),
        ):
            said = self._moved(row, then)
            if other is not None and said is not None:
                found.append(f"，较{period_name(other.period)}{said}")
        return found

    @staticmethod
    def _moved(row: BoardLine, then: str | None) -> str | None:
        if row["value"] is None or then is None:
            return None
        if row["unit"] == "%":
            return rate_difference(Decimal(row["value"]), Decimal(then))
        return growth(Decimal(row["value"]), Decimal(then))

    def problems(self) -> Iterator[PaperBlock]:
        """Yield the red or unreported indicators, with the reason."""
        bad = [row for row in self._rows if row["light"] in {"red", "yellow"}]
        for at, row in enumerate(bad, 1):
            yield paragraph(f"{at}．{self._ground.name_of(row)}：{row['reason']}。")
        late = list(late_paragraphs(self._rows))
        yield from late
        if not bad and not late:
            yield paragraph("没有红灯、黄灯指标，没有逾期未报的数据。")

    def table(self) -> Iterator[PaperBlock]:
        """Yield the table of the indicators."""
        lines = []
        for row in self._rows:
            cells = row_cells(self._ground, row)
            lines.append(
                (
                    *(
                        cells["name"],
                        cells["unit"],
                        cells["baseline"],
                        cells["target"],
                        cells["value"],
                    ),
                    *(cells["attainment"], cells["change"], cells["light"]),
                    str(self._numbers[row["code"]]),
                )
            )
        yield table(_COLUMNS, lines, marks=True)
        yield from incomplete_notes(self._ground, self._rows)
        yield method_note(self._ground)
        yield from (note(one) for one in self._ground.plan.document.notes)

    def series(self, name: str) -> Iterator[PaperBlock]:
        """Yield the annex with the values of several periods, if there are earlier ones."""
        ground = self._ground
        if ground.earlier:
            yield annex(2, f"“{name}”指标{series_title(ground)}")
        yield from SeriesWriter(ground, self.book, self._rows, self._numbers).blocks()

"""The bulletin (通报) of a period: totals, achievements, shortcomings, and the table. Pure.

Its order is customary in the field: totals, figures by field with denominators and exclusions, the
best by name, shortcomings, next steps.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from services.core.kit.decimals import plain
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
from services.core.papers.ground import BoardLine, OtherBoard, PaperGround, note_rows, row_cells
from services.core.papers.lateness import awaits_decision
from services.core.papers.sentences import (
    day_name,
    difference,
    ordinal,
    percent_text,
    period_name,
    place_text,
    value_text,
)
from services.core.papers.series_tables import SeriesWriter, series_title
from services.core.papers.standing_notes import (
    adjusted_pieces,
    incomplete_notes,
    late_paragraphs,
    method_note,
    unreported,
)
from services.core.papers.typesetting import in_brackets
from services.core.plan.target_names import name_of_written
from services.core.scoring.adding_up import is_reached
from services.core.scoring.judgement import ASSESSED
from services.core.scoring.lights import LIGHT_NAMES
from services.core.scoring.ranking import Standing, of_leads, places, shown

_BEST = 3
_OVERALL: Mapping[str, str] = {
    "score": "综合得分",
    "adjusted_score": "扣分、加分后得分",
    "coverage": "可评价权重占比",
    "grade": "等级",
}
_MOST_NAMED = 12
_WHY_NOT: Mapping[str, str] = {
    "not_applicable": "不适用",
    "not_due": "未到填报期限",
    "not_opened": "未开放填报",
    "not_assessable": "目标待下达、待核实或数据不足",
}
_COLUMNS = (
    ("序号", 6, "center"),
    ("指标", 33, "left"),
    ("计量单位", 9, "center"),
    ("目标值", 13, "center"),
    ("完成值", 12, "center"),
    ("完成目标", 11, "right"),
    ("较上期", 15, "center"),
    ("灯", 6, "center"),
    ("编号", 6, "center"),
)
_RANKED = (
    ("名次", 10, "center"),
    ("单位", 40, "left"),
    ("得分", 16, "right"),
    ("负责指标", 13, "right"),
    ("参评指标", 13, "right"),
    ("编号", 8, "center"),
)


def bulletin(
    ground: PaperGround, texts: Mapping[str, str], head: PaperHead, day: str | None
) -> PaperText:
    """Return the bulletin of a period; `texts` are the office's, by name, already filled."""
    writer = PeriodWriter(ground)
    issuer = ground.plan.document.city.name
    blocks = [
        title(f"关于{period_name(ground.period)}“无废城市”建设进展情况的通报"),
        paragraph(texts["addressees"], indent=False),
        paragraph(texts["opening"]),
        heading(1, "一、总体情况"),
        *writer.totals(),
        heading(1, "二、各领域完成情况"),
        *writer.by_group(),
        heading(1, "三、完成情况较好的指标和单位"),
        *writer.best("见附件1", "不参评单位及理由见附件2"),
        heading(1, "四、存在的主要问题"),
        *writer.problems(),
        heading(1, "五、下一步工作"),
        *(paragraph(line) for line in texts["next_steps"].splitlines() if line.strip()),
        signature(texts["issuer"], day),
        annex(1, f"{issuer}{period_name(ground.period)}“无废城市”建设指标完成情况表"),
        *writer.table_of_indicators(),
        *writer.table_of_leads(),
        *writer.series(),
    ]
    return PaperText(
        title=blocks[0]["text"], head=head, blocks=blocks, book=writer.book, as_of=ground.as_of
    )


class PeriodWriter:
    """Writes the parts of a paper on a whole period, and numbers the figures in them."""

    def __init__(self, ground: PaperGround) -> None:
        self._ground = ground
        self.book = FigureBook(ground.period.code)
        self._numbers = note_rows(ground, self.book)
        document = ground.plan.document
        self._leads = places(of_leads(document, ground.rows))
        self._places_shown = document.scheme.rankings.shown != "tiers"
        self._annexes = 1

    def number_of(self, row: BoardLine) -> int:
        """Return the number of a row's figure."""
        return self._numbers[row["code"]]

    def totals(self) -> Iterator[PaperBlock]:
        """Yield the score and the counts of the lights."""
        ground, overall = self._ground, self._ground.board["overall"]
        whole = f"{ground.plan.document.city.name}{period_name(ground.period)}“无废城市”建设"
        begin = f"截至{day_name(ground.as_of)}，{whole}"
        if overall["score"] is None:
            yield paragraph(f"{begin}尚无可评价的指标，没有得分。")
        else:
            grade = overall["grade_name"]
            yield paragraph(
                f"{begin}综合得分为",
                self._overall("score", f"{overall['display']}分"),
                *adjusted_pieces(overall, self.book, self._numbers, self._overall),
                "，可评价指标的权重占",
                self._overall("coverage", percent_text(overall["coverage"])),
                "，",
                self._overall("grade", f"等级为{grade}" if grade else "尚不评定等级"),
                *self._against(ground.previous, "previous"),
                *self._against(ground.same_of_last_year, "last_year"),
                "。",
            )
        rows = ground.rows
        met = [row for row in rows if is_reached(row)]
        pieces: list[str | Run] = [
            self._count("all", rows),
            "指标中，达到目标",
            self._count("met", met),
        ]
        for light, word in LIGHT_NAMES.items():
            pieces.append("，" if light == "green" else "、")
            pieces.append(f"{word}灯")
            pieces.append(
                self._count(f"light/{light}", [row for row in rows if row["light"] == light])
            )
        pieces += [
            "；应报未报",
            self._count("missing", unreported(rows)),
        ]
        undecided = [row for row in rows if row["state"] == "missing" and awaits_decision(row)]
        if undecided:
            pieces += ["，已报未审定", self._count("undecided", undecided)]
        pieces += [
            "，不适用",
            self._count("not_applicable", [r for r in rows if r["state"] == "not_applicable"]),
            "。",
        ]
        yield paragraph(*pieces)

    def _overall(self, name: str, text: str) -> Run:
        overall = self._ground.board["overall"]
        number = self.book.note(
            f"overall/{name}",
            _OVERALL[name],
            text,
            {name: overall[name]},
            rests_on=self._numbers.values(),
        )
        return text, number

    def _against(self, other: OtherBoard | None, name: str) -> list[str | Run]:
        """Return the comparison of the score with that of another period."""
        now = self._ground.board["overall"]["score"]
        then = None if other is None else other.board["overall"]["score"]
        if other is None or then is None:
            return []
        text = difference(Decimal(now), Decimal(then), "分")
        number = self.book.note(
            f"overall/{name}",
            f"与{period_name(other.period)}相比",
            text,
            {"now": now, "then": then},
            rests_on=self._numbers.values(),
        )
        adjusted = self._ground.board["overall"].get("adjusted_score") is not None
        before = "扣分、加分前的得分" if adjusted else ""
        return [f"，{before}与{period_name(other.period)}相比", (text, number)]

    def _count(self, name: str, rows: Sequence[BoardLine]) -> Run:
        codes = [row["code"] for row in rows]
        number = self.book.note(
            f"count/{name}",
            "指标项数",
            f"{len(codes)}项",
            {"count": str(len(codes)), "indicators": "、".join(codes)},
            rests_on=(self._numbers[code] for code in codes),
        )
        return f"{len(codes)}项", number

    def by_group(self) -> Iterator[PaperBlock]:
        """Yield each group's score, how many of its indicators can be judged, and why not all."""
        for at, group in enumerate(self._ground.board["groups"], 1):
            rows = [row for row in self._ground.rows if row["group"] == group["code"]]
            judged = [row for row in rows if row["state"] in ASSESSED]
            text = "没有得分" if group["score"] is None else f"得分{group['display']}分"
            number = self.book.note(
                f"group/{group['code']}",
                group["name"],
                text,
                {"score": group["score"], "coverage": group["coverage"]},
                rests_on=(self._numbers[row["code"]] for row in rows),
            )
            yield paragraph(
                f"（{ordinal(at)}）{group['name']}。",
                (text, number),
                "，",
                self._count(f"all/{group['code']}", rows),
                "指标中可评价",
                self._count(f"assessed/{group['code']}", judged),
                *self._left_out(group["code"], rows),
                "。",
            )

    def _left_out(self, group: str, rows: Sequence[BoardLine]) -> list[str | Run]:
        left_out = [row for row in rows if row["state"] not in ASSESSED]
        states = Counter(row["state"] for row in left_out)
        if not states:
            return []
        why = "、".join(
            f"{_WHY_NOT[state]}{states[state]}项" for state in _WHY_NOT if states[state]
        )
        return ["，不参评", self._count(f"left_out/{group}", left_out), in_brackets(why)]

    def best(self, rest: str, not_ranked: str | None) -> Iterator[PaperBlock]:
        """Yield the indicators that met their targets, and the leads that rank best.

        `rest` says where the remaining indicators are listed, `not_ranked` where the other leads
        are; None: this paper has no table of them.
        """
        met = [row for row in self._ground.rows if is_reached(row)]
        if not met:
            yield paragraph("本期尚无达到目标的指标。")
        else:
            pieces: list[str | Run] = ["达到目标的指标："]
            for at, row in enumerate(met[:_MOST_NAMED]):
                pieces += ["；" if at else "", f"{self._ground.name_of(row)}", self._value(row)]
                pieces.append(in_brackets(f"目标{name_of_written(row['target'])}"))
            yield paragraph(*pieces, f"；其余{rest}。" if len(met) > _MOST_NAMED else "。")
        best = [one for one in self._leads if one.place is not None and one.place <= _BEST]
        if best and self._places_shown:
            pieces = ["牵头单位按所负责指标的得分排列："]
            named = best[:_MOST_NAMED]
            for at, one in enumerate(named):
                pieces += ["、" if at else "", self._plan_name(one), self._placed(one)]
            more = "" if not_ranked is None else f"；{not_ranked}"
            others = f"等{len(best)}个单位" if len(best) > len(named) else ""
            yield paragraph(*pieces, f"{others}。同分并列{more}。")

    def _plan_name(self, one: Standing) -> str:
        return self._ground.plan.organization_name(one.organization_code)

    def _value(self, row: BoardLine) -> Run:
        return value_text(row), self._numbers[row["code"]]

    def _placed(self, one: Standing) -> Run:
        score = shown(one.score or Decimal(0), self._ground.plan.document)
        text = f"{score}分（{place_text(one.place or 0, one.tied)}）"
        return text, self._note_standing(one, text)

    def _note_standing(self, one: Standing, text: str) -> int:
        led = [
            number
            for code, number in self._numbers.items()
            if one.organization_code in self._ground.plan.leads.get(code, ())
        ]
        return self.book.note(
            f"lead/{one.organization_code}",
            self._plan_name(one),
            text,
            {
                "score": None if one.score is None else plain(one.score),
                "place": None if one.place is None else str(one.place),
                "why": one.why,
            },
            rests_on=led,
        )

    def problems(self) -> Iterator[PaperBlock]:
        """Yield the red indicators with the reason, and the units that are late with reports."""
        red = [row for row in self._ground.rows if row["light"] == "red"]
        for at, row in enumerate(red, 1):
            leads = "、".join(self._ground.leads_of(row))
            yield paragraph(
                f"{at}．{self._ground.name_of(row)}：完成值",
                self._value(row),
                f"{self._ground.marks(row)}，目标{name_of_written(row['target'])}。{row['reason']}。",
                f"牵头单位：{leads}。" if leads else "牵头单位：方案未明确。",
            )
        late = list(late_paragraphs(self._ground.rows))
        yield from late
        if not red and not late:
            yield paragraph("本期没有红灯指标，没有逾期未报的数据。")

    def table_of_indicators(self) -> Iterator[PaperBlock]:
        """Yield the table of all indicators with the necessary notes."""
        rows = []
        for row in self._ground.rows:
            cells = row_cells(self._ground, row)
            rows.append(
                (
                    *(cells["row"], cells["name"], cells["unit"], cells["target"], cells["value"]),
                    *(cells["attainment"], cells["change"], cells["light"]),
                    str(self._numbers[row["code"]]),
                )
            )
        yield table(_COLUMNS, rows, marks=True)
        previous = self._ground.previous
        if previous is None:
            yield note("上期没有可比的数据，“较上期”一栏为“—”。")
        else:
            parts = any(self._ground.spans_differ(row, previous) for row in self._ground.rows)
            more = "累计数月数不同的不相比较。" if parts else ""
            if any(self._ground.one_lacks_parts(row, previous) for row in self._ground.rows):
                more += "有一期数值不全的不相比较。"
            yield note(f"“较上期”为与{period_name(previous.period)}相比。{more}")
        yield from incomplete_notes(self._ground, self._ground.rows)
        yield method_note(self._ground)
        yield from (note(one) for one in self._ground.plan.document.notes)

    def table_of_leads(self) -> Iterator[PaperBlock]:
        """Yield the table of the leads; a plan that ranks in tiers only has none."""
        if not self._places_shown or not self._leads:
            return
        document = self._ground.plan.document
        rows = []
        for one in self._leads:
            placed = one.place is not None and one.score is not None
            place = place_text(one.place or 0, one.tied) if placed else "不参评"
            why = "" if one.words is None else in_brackets(one.words.zh)
            score = shown(one.score, document) if one.score is not None else "—"
            number = self._note_standing(one, f"{score}分" if placed else "不参评")
            rows.append(
                (
                    place,
                    self._plan_name(one) + why,
                    score,
                    str(one.of),
                    str(one.counted),
                    f"{number}",
                )
            )
        self._annexes = 2
        yield annex(2, f"{period_name(self._ground.period)}牵头单位排名表")
        yield table(_RANKED, rows, marks=True)
        yield note("只在牵头单位之间排名；同分并列，其后名次空缺；按未经舍入的得分比较。")

    def series(self) -> Iterator[PaperBlock]:
        """Yield the annex with the values of several periods, if there are earlier ones."""
        ground = self._ground
        if ground.earlier:
            yield annex(self._annexes + 1, f"“无废城市”建设指标{series_title(ground)}")
        yield from SeriesWriter(ground, self.book, ground.rows, self._numbers).blocks()

"""The data of a paper on a period: one scoreboard, and the earlier ones it is compared with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.core.kit.decimals import plain
from services.core.papers.figures import FigureBook
from services.core.papers.sentences import attainment_text, change_text, light_text, value_text
from services.core.papers.wholeness import parts_lacking
from services.core.plan.document import OpenQuestion, PlanDocument
from services.core.plan.models import AssignedTarget
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.target_names import name_of_written

BoardLine = Mapping[str, Any]
"""A row of a scoreboard."""


@dataclass(frozen=True, slots=True)
class OtherBoard:
    """The scoreboard of another period, as of the drawing of the paper's own.

    It was drawn at `drawn_at`. `document` is the plan that it was drawn by; None: the same as the
    paper's own.
    """

    period: Period
    board: Mapping[str, Any]
    drawn_at: datetime
    document: PlanDocument | None = None

    def row_of(self, code: str) -> BoardLine | None:
        """Return the row of an indicator; None: it has none."""
        return next((row for row in self.board["indicators"] if row["code"] == code), None)

    def value_of(self, code: str) -> str | None:
        """Return the value of an indicator; None: there is none."""
        row = self.row_of(code)
        found: str | None = None if row is None else row["value"]
        return found


@dataclass(frozen=True, slots=True)
class PaperGround:
    """A scoreboard at one log position, and the plan with the document that it was drawn by.

    `previous` is the period before (环比), `last_year` the same one of the year before (同比);
    None: it has no scoreboard. `earlier` are the earlier periods that have one, oldest first.
    Decisions after `drawn_at` were not known then; None: all present decisions count.
    """

    plan: PlanState
    period: Period
    board: Mapping[str, Any]
    position: int
    as_of: date
    previous: OtherBoard | None
    last_year: OtherBoard | None
    earlier: Sequence[OtherBoard] = ()
    drawn_at: datetime | None = None

    @property
    def rows(self) -> Sequence[BoardLine]:
        """The rows of the scoreboard, in the plan's order."""
        found: Sequence[BoardLine] = self.board["indicators"]
        return found

    def name_of(self, row: BoardLine) -> str:
        """Return the name of an indicator as printed."""
        known = self.plan.indicators.get(row["code"])
        return str(row["name"]) if known is None else known.printed_name

    def was_known(self, at: datetime) -> bool:
        """Return whether a fact of this instant was known when the scoreboard was drawn."""
        return self.drawn_at is None or at <= self.drawn_at

    def open_questions(self, row: BoardLine) -> list[OpenQuestion]:
        """Return the questions about an indicator that were open when the scoreboard was drawn."""
        return [
            one
            for one in self.plan.document.open_questions
            if one.needs_decision
            and f"indicator:{row['code']}" in one.subjects
            and (one.id not in self.plan.settlements or not self._was_settled(one))
        ]

    def _was_settled(self, question: OpenQuestion) -> bool:
        return self.was_known(self.plan.settlements[question.id].settled_at)

    def leads_of(self, row: BoardLine) -> list[str]:
        """Return the names of the units accountable for an indicator."""
        leads = self.plan.leads.get(row["code"], ())
        return [self.plan.organization_name(code) for code in leads]

    @property
    def same_of_last_year(self) -> OtherBoard | None:
        """The same period of the year before, unless that is also the period before."""
        return None if self.period.frequency == "annual" else self.last_year

    def before(self, row: BoardLine) -> str | None:
        """Return the indicator's value in the period before, if it was measured alike."""
        return self._comparable(self.previous, row)

    def a_year_ago(self, row: BoardLine) -> str | None:
        """Return the value in the same period of the year before, if it was measured alike."""
        return self._comparable(self.last_year, row)

    def _comparable(self, other: OtherBoard | None, row: BoardLine) -> str | None:
        if other is None or self.is_broken(row["code"], other, None):
            return None
        return self.value_beside(row, other)

    def value_beside(self, row: BoardLine, other: OtherBoard) -> str | None:
        """Return the value in another period; None: only one of the two is complete."""
        if self.spans_differ(row, other) or self.one_lacks_parts(row, other):
            return None
        return other.value_of(row["code"])

    def one_lacks_parts(self, row: BoardLine, other: OtherBoard) -> bool:
        """Return whether one of two compared values lacks parts that are owed."""
        then = other.row_of(row["code"])
        return self.lacking(row) > 0 or (then is not None and self.lacking(then, other) > 0)

    def lacking(self, row: BoardLine, other: OtherBoard | None = None) -> int:
        """Return how many parts a value lacks, on another scoreboard or the paper's own."""
        indicator = self.plan.indicators.get(row["code"])
        if other is None:
            return parts_lacking(row, indicator, self.period, self.as_of)
        return parts_lacking(row, indicator, other.period, self.plan.local_date(other.drawn_at))

    def marks(self, row: BoardLine, other: OtherBoard | None = None) -> str:
        """Return the marks printed after a value: preliminary, or incomplete."""
        said = ["初步"] if row["data_status"] == "provisional" else []
        lacking = self.lacking(row, other)
        said += [f"缺{lacking}份"] if lacking else []
        return f"（{'，'.join(said)}）" if said else ""

    def spans_differ(self, row: BoardLine, other: OtherBoard) -> bool:
        """Return whether one of two cumulative values covers more months than the other."""
        then = other.row_of(row["code"])
        return then is not None and _months(row, self.period) != _months(then, other.period)

    def is_broken(self, code: str, first: OtherBoard | None, second: OtherBoard | None) -> bool:
        """Return whether two boards measured an indicator differently; None: the paper's own.

        An indicator that is missing from one of the plans was not measured differently.
        """
        rules = [
            _rule_of(
                self.plan.document if one is None or one.document is None else one.document, code
            )
            for one in (first, second)
        ]
        return None not in rules and rules[0] != rules[1]


def _months(row: BoardLine, period: Period) -> int:
    """Return how many months a cumulative value covers."""
    found: int | None = row.get("months_of_sum")
    return period.months if found is None else found


_RULE = (
    *("unit", "multiplier", "levels", "level_with_value", "measure_type", "time_semantics"),
    *("frequency", "aggregation", "scope", "formula"),
)
"""The members of an indicator that define its value; target, weight and owner do not."""


def _rule_of(document: PlanDocument, code: str) -> tuple[Any, ...] | None:
    """Return the definition of an indicator's value in a document; None: no such indicator."""
    found = next((one for one in document.indicators if one.code == code), None)
    return None if found is None else tuple(getattr(found, name) for name in _RULE)


def note_rows(
    ground: PaperGround, book: FigureBook, rows: Iterable[BoardLine] | None = None
) -> dict[str, int]:
    """Number rows of the scoreboard, by default all; return their numbers by indicator."""
    chosen = ground.rows if rows is None else rows
    return {row["code"]: _note_row(ground, book, row) for row in chosen}


def _note_row(ground: PaperGround, book: FigureBook, row: BoardLine) -> int:
    before = ground.before(row)
    return book.note(
        f"indicator/{row['code']}",
        ground.name_of(row),
        value_text(row),
        {
            "state": row["state"],
            "value": row["value"],
            "level": row["level"],
            "data_status": row["data_status"],
            "target": name_of_written(row["target"]),
            "attainment": row["attainment"],
            "light": row["light"],
            "before": before,
            "a_year_ago": ground.a_year_ago(row),
        },
        indicator=row["code"],
    )


def _doubt(ground: PaperGround, row: BoardLine) -> str:
    """Return the open questions about an indicator; their texts are below its table."""
    named = "、".join(one.id for one in ground.open_questions(row))
    return f"（待核实：{named}）" if named else ""


def _target_cell(ground: PaperGround, row: BoardLine) -> str:
    """Return a target as printed; one that was assigned since follows it.

    It comes with the document that assigned it, if the plan's present assignments still contain it.
    """
    target, said = row["target"], name_of_written(row["target"])
    if target["source"] != "assigned":
        return said
    entry = ground.plan.indicators.get(row["code"])
    targets = () if entry is None else entry.targets
    printed = next((one.text for one in targets if one.year == target["year"]), None)
    assigned = ground.plan.assigned.get((row["code"], target["year"]), ())
    documents = [
        one.document_number
        for one in assigned
        if ground.was_known(one.assigned_at) and _is_written(one, target)
    ]
    by = f"（{documents[-1]}）" if documents else ""
    return f"{'' if printed is None else f'{printed}；'}下达：{said}{by}"


def _is_written(one: AssignedTarget, target: Mapping[str, Any]) -> bool:
    """Return whether a scoreboard's target came from this assignment, of several."""
    numbers = [None if each is None else plain(each) for each in (one.value, one.upper)]
    drawn = (target["kind"], target["value"], target["upper"], target["text"])
    return (one.kind, *numbers, one.text) == drawn


def row_cells(ground: PaperGround, row: BoardLine) -> dict[str, str]:
    """Return the table cells of an indicator."""
    entry = ground.plan.indicators.get(row["code"])
    baseline = None if entry is None else entry.baseline
    return {
        "row": "" if entry is None or entry.row is None else str(entry.row),
        "name": ground.name_of(row),
        "unit": row["unit"],
        "baseline": "—" if baseline is None else baseline.text,
        "target": _target_cell(ground, row),
        "value": value_text(row, with_unit=False) + ground.marks(row),
        "attainment": attainment_text(row["attainment"]),
        "change": change_text(row["value"], ground.before(row), row["unit"]),
        "light": light_text(row["light"]),
        "reason": row["reason"] + _doubt(ground, row),
        "leads": "、".join(ground.leads_of(row)) or "—",
    }

"""The scoreboard of a period as JSON: indicators, groups and the overall score.

It is built from verdicts, and its totals are recomputed from its own rows when a row changes.
Each row carries the digest of its trace, so boards are equal only if their traces are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from services.core.kit.decimals import display, plain, plain_or_none
from services.core.obligations.queries import Extended
from services.core.plan.document import Indicator
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.scoring.adding_up import Board, BoardRow, add_up
from services.core.scoring.affected import chain
from services.core.scoring.aggregation import Operands
from services.core.scoring.attainment import FALLS
from services.core.scoring.cases import (
    IndicatorFacts,
    Operated,
    build_case,
    facts_of,
    finer_of,
    method_of,
    periods_read,
)
from services.core.scoring.counting import CountingScope
from services.core.scoring.figures import ZERO, Figure, beside
from services.core.scoring.judgement import Case, Method, Verdict, judge
from services.core.scoring.owed import Duties, Former
from services.core.scoring.reasons import words
from services.core.scoring.targets import Asked, targets_of
from services.core.scoring.tenures import Membership, Memberships, Sharers, Tenure, Tenures
from services.core.scoring.traces import Trace, digest_of, trace_of
from services.core.scoring.unit_targets import judge_units

_A_DAY = timedelta(days=1)
_ADDED = frozenset({"sum", "mean"})
"""The unit operators that add values, and therefore their quotients."""


@dataclass(frozen=True)
class ScoringContext:
    """Everything that is constant while the boards of one plan are drawn for one local date.

    `extended` maps (indicator, period) to the latest extension of the units that owe the value.
    `tenures` are the successive owners whose value is the city's, `memberships` the units that
    share a value.
    """

    state: PlanState
    facts: Mapping[str, IndicatorFacts]
    method: Method
    today: date
    extended: Mapping[tuple[str, str], date]
    duties: Duties
    tenures: Tenures
    memberships: Memberships

    @classmethod
    def of(
        cls,
        state: PlanState,
        today: date,
        extended: Iterable[Extended] = (),
        tenures: Tenures | None = None,
        former: Former | None = None,
        memberships: Memberships | None = None,
    ) -> "ScoringContext":
        """Return the context of a plan in its present state.

        `extended` are the extensions, `former` who owed what in periods that take no more values.
        If there are no `memberships`, today's units are assumed to have always shared the value.
        """
        facts, more_time = facts_of(state), list(extended)
        latest: dict[tuple[str, str], date] = {}
        for each in more_time:
            known = facts.get(each.indicator_code)
            if known is not None and each.organization_code in known.reporters:
                place = (each.indicator_code, each.period)
                latest[place] = max(latest.get(place, date.min), each.due_date)
        granted = {
            (each.indicator_code, each.period, each.organization_code): each.due_date
            for each in more_time
        }
        duties = Duties(state, granted, former or Former())
        method = method_of(state)
        return cls(state, facts, method, today, latest, duties, tenures or {}, memberships or {})

    def on(self, today: date) -> "ScoringContext":
        """Return the context of the same plan on another local date."""
        return self if self.today == today else replace(self, today=today)

    def counted(self, codes: Iterable[str] | None = None) -> CountingScope:
        """Return how to count reported values for these indicators, by default for all."""
        chosen = list(self.facts if codes is None else codes)
        owned = {code: self.facts[code].owner for code in chosen}
        return CountingScope(
            codes=chosen,
            owned={
                code: self.tenures.get(code, (Tenure(0, unit),))
                for code, unit in owned.items()
                if unit is not None
            },
            apart=[code for code in chosen if self.facts[code].operators.units in _ADDED],
            by_parts=[
                code
                for code in chosen
                if "ratio_of_sums"
                in (self.facts[code].operators.units, self.facts[code].operators.periods)
            ],
            shared={code: self.sharers[code] for code in chosen if code in self.sharers},
        )

    @cached_property
    def sharers(self) -> Mapping[str, Sharers]:
        """The units that share the value of each indicator, for indicators with several units.

        An indicator that only one unit ever owed is left out: it takes the values of any unit.
        """
        found: dict[str, Sharers] = {}
        for code, facts in self.facts.items():
            held = self.memberships.get(code, (Membership(0, frozenset(facts.reporters)),))
            if facts.shared and any(len(each.units) > 1 for each in held):
                then = self.duties.former.owed_then(code, facts.reporters)
                found[code] = Sharers(held, then, self.state.period_calendar)
        return found

    def due_date(self, indicator: Indicator, period: Period) -> date | None:
        """Return the due date of an indicator's values; None: the period was never opened.

        Finer periods are included: the value of a wider period is not missing before they are due.
        """
        due = self.state.due_date(period.code)
        if due is None or not self.extended:
            return due
        for code in (period.code, *finer_of(self.state, indicator, period)):
            due = max(due, self.extended.get((indicator.code, code), due))
        return due

    @cached_property
    def due_dates(self) -> Mapping[str, frozenset[date]]:
        """Every date on which something falls due on a board, by its period's code."""
        dates = [(code, period.due_date) for code, period in self.state.periods.items()]
        # A unit with an earlier due date than others is late before them.
        dates += [(code, due) for (_, code, _), due in self.duties.granted.items()]
        found: dict[str, set[date]] = {}
        for code, due in dates:
            for each in chain(self.state.period_calendar.period(code)):
                found.setdefault(each.code, set()).add(due)
        return {code: frozenset(dates) for code, dates in found.items()}

    def turned(self, period: str, one_day: date, another: date) -> bool:
        """Return whether the board of a period may differ between two days without an event.

        The domain's clock can be set back, and then a missing value is no longer due.
        """
        # A board must be redrawn if a turning day lies between the two, whichever is the earlier.
        # The earlier one itself was already judged.
        first, last = min(one_day, another), max(one_day, another)
        return any(first < day <= last for day in self._turning_days(period))

    def _turning_days(self, period: str) -> Iterable[date]:
        """Yield the first days on which something counts as missing, or is judged differently.

        A value is late on the day after its due date; an unfinished period advances by full months,
        and is judged as ended on the day after its end; a target's date passes.
        """
        yield from (due + _A_DAY for due in self.due_dates.get(period, ()))
        place = self.state.period_calendar.period(period)
        yield from (month.last_day + _A_DAY for month in place.children("monthly"))
        yield place.last_day + _A_DAY
        last = self.state.period_calendar.year(place.in_year).last_day
        yield from (day + _A_DAY for day in self._target_dates if day <= last)

    @cached_property
    def _target_dates(self) -> frozenset[date]:
        """The date of every target that any indicator has."""
        calendar = self.state.period_calendar
        indicators = [facts.indicator for facts in self.facts.values()]
        ends = {
            target.end
            for each in indicators
            for target in targets_of(each, self.state.assigned, calendar)
        }
        return frozenset(
            ends | {target.end(calendar) for each in indicators for target in each.unit_targets}
        )


Judged = dict[str, tuple[list[Operands | None], BoardRow, Trace]]
"""Rows and traces of one period by indicator, each with the operands behind it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A board with the traces of the indicators that were judged for it."""

    board: Board
    traces: Mapping[str, Any]


def draw_board(
    bench: ScoringContext,
    period: Period,
    operated: Operated,
    *,
    indicators: Sequence[str] | None = None,
    earlier: Board | None = None,
    known: Judged | None = None,
) -> Drawn:
    """Return the board of a period; with `earlier`, only `indicators` are judged again.

    `known` caches the judgements of the same period on another basis, which are mostly the same;
    new judgements are added to it.
    """
    kept: dict[str, BoardRow] = {row["code"]: row for row in (earlier or {}).get("indicators", ())}
    known = {} if known is None else known
    traces = {}
    for code in bench.facts if indicators is None else indicators:
        places = periods_read(bench.state, period, bench.facts[code].indicator)
        read = [operated.get((code, each)) for each in places]
        # Both bases mostly have the same operands, and judging is the expensive step.
        if code not in known or known[code][0] != read:
            known[code] = (read, *_judged(bench, code, period, operated))
        _, kept[code], traces[code] = known[code]
    rows = [kept[code] for code in bench.facts]
    return Drawn(add_up(bench.state, rows), traces)


def is_current(board: Board) -> bool:
    """Return whether a board's rows have all members; rows written by older software lack some."""
    return all("late" in row.get("reporting", ()) for row in board["indicators"])


def _judged(
    bench: ScoringContext, code: str, period: Period, operated: Operated
) -> tuple[BoardRow, Trace]:
    facts = bench.facts[code]
    case = build_case(
        bench.duties,
        facts,
        period,
        operated,
        method=bench.method,
        today=bench.today,
        due_date=bench.due_date(facts.indicator, period),
    )
    verdict = judge(case)
    trace = trace_of(case, verdict)
    units = judge_units(
        bench.duties, facts, period, operated, method=bench.method, today=bench.today
    )
    if units:
        trace["units"] = units
    return _row(facts, case, verdict, digest_of(trace)), trace


def empty_board(state: PlanState, period: Period, today: date) -> Drawn:
    """Return the board of a period without a snapshot: nothing was reported."""
    return draw_board(ScoringContext.of(state, today), period, {})


def board_before(state: PlanState, period: Period, instant: datetime | None) -> Drawn:
    """Return the board of a period at an instant before its first snapshot: nothing was known.

    Nobody had been asked for a value, and only decisions made by `instant` count; if it is None, no
    decision counts. Targets and rules are those of the document in force.
    """
    targets = {
        place: tuple(row for row in rows if instant is not None and row.assigned_at <= instant)
        for place, rows in state.assigned.items()
    }
    known = replace(
        state,
        periods={},
        assigned={place: rows for place, rows in targets.items() if rows},
        settlements={
            code: each
            for code, each in state.settlements.items()
            if instant is not None and each.settled_at <= instant
        },
    )
    day = date.min if instant is None else state.local_date(instant)
    return empty_board(known, period, day)


def _row(facts: IndicatorFacts, case: Case, verdict: Verdict, digest: str) -> BoardRow:
    indicator, target = facts.indicator, case.target
    figure, level = verdict.reading.figure, verdict.reading.level
    value = None if figure is None else figure.value
    reason = words(verdict.reason, verdict.details)
    return {
        "code": indicator.code,
        "name": indicator.name,
        "group": indicator.group,
        "selection": indicator.selection,
        "state": verdict.state,
        "value": plain_or_none(value),
        "level": level,
        "display": _display(case, figure, level),
        "unit": indicator.unit,
        "target": {
            "year": target.year,
            "date": target.end.isoformat(),
            "kind": target.kind,
            "value": plain_or_none(target.value),
            "upper": plain_or_none(target.upper),
            "text": target.text,
            "source": target.source,
        },
        "target_date_passed": case.target_date_passed,
        "met": verdict.met,
        "attainment": plain_or_none(verdict.attainment),
        "months_of_sum": case.months_of_sum,
        "pace": None if verdict.pace is None else plain(verdict.pace.ratio.value),
        "light": verdict.light,
        "reason": reason.zh,
        "reason_en": reason.en,
        "reason_code": verdict.reason,
        "weight": plain(facts.weight),
        "data_status": _data_status(verdict),
        "falsified": verdict.falsified,
        "reporting": {
            "expected": case.owed.expected,
            "reported": case.owed.reported,
            "overdue": case.owed.overdue,
            "absent": [
                {
                    "period": each.period,
                    "organization_code": each.organization_code,
                    "name": each.name,
                    "overdue": each.want == "overdue",
                }
                for each in case.owed.absent
            ],
            "late": [
                {
                    "organization_code": each.organization_code,
                    "name": each.name,
                    "periods": list(each.periods),
                }
                for each in case.owed.late
            ],
        },
        "trace_digest": digest,
    }


def _display(case: Case, figure: Figure | None, level: str | None) -> str | None:
    """Round a value for display without moving it across any bound that it was compared with."""
    if level is None and figure is not None:
        least, most = _bounds(case)
        return display(
            beside(figure, [*least, *most]),
            case.method.places,
            least=[bound.value for bound in least],
            most=[bound.value for bound in most],
        )
    return next((name for code, name, _ in case.levels if code == level), None)


def _bounds(case: Case) -> tuple[list[Figure], list[Figure]]:
    """Return the bounds that a value is compared with: lower bounds, and upper bounds."""
    # "More than" belongs to the upper bounds, because a number that only equals it must not be
    # rounded up past it.
    least: list[Figure] = []
    most: list[Figure] = []
    target, baseline = case.target, case.baseline
    asked = [Asked(target.kind, target.value, target.upper), *target.conditions]
    for each in asked:
        if each.bound is not None:
            (most if each.kind in {"at_most", "more_than"} else least).append(Figure(each.bound))
        if each.kind == "between" and each.value is not None and each.upper is not None:
            least.append(Figure(each.value))
            most.append(Figure(each.upper))
        if each.kind == "negative_growth":
            (least if case.growth_is_positive else most).append(Figure(ZERO))
    if baseline is not None and baseline.value is not None:
        (most if target.kind in FALLS else least).append(Figure(baseline.value))
    if case.previous is not None and not case.previous.lacking:
        most.append(case.previous.figure)
        # A value that must stay level or fall must not be rounded up onto the earlier value.
        if target.kinds & {"falling", "not_worse"}:
            least.append(case.previous.figure)
    return least, most


def _data_status(verdict: Verdict) -> str | None:
    if verdict.reading.figure is None and verdict.reading.level is None:
        return None
    return "provisional" if verdict.provisional else "final"

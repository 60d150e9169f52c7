"""Judges single units: each one's own value by its own target, apart from the city's verdict.

A unit is judged by the same rules of periods, dates and absence as the city. Its result affects
neither the city's verdict nor the score.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.core.plan.document import Indicator, UnitTarget
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.scoring.aggregation import NOTHING, Operands
from services.core.scoring.cases import (
    IndicatorFacts,
    Operated,
    build_case,
    finer_of,
    periods_read,
)
from services.core.scoring.judgement import Method, Verdict, judge
from services.core.scoring.owed import Duties, Former
from services.core.scoring.reasons import words
from services.core.scoring.targets import target_for
from services.core.scoring.traces import result_of, target_out

_SHOWN = (
    *("state", "value", "met", "attainment", "light", "reason_code", "provisional", "falsified"),
)
"""The members of a verdict that a unit's result has."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One indicator in one period, with all values reported for it."""

    facts: IndicatorFacts
    period: Period
    operated: Operated


def judge_units(
    duties: Duties,
    facts: IndicatorFacts,
    period: Period,
    operated: Operated,
    *,
    method: Method,
    today: date,
) -> list[dict[str, Any]]:
    """Judge each unit that has a target of its own; return JSON, in the document's order.

    Empty if the indicator has no such targets. A unit has no baseline, and therefore no pace; a
    target that the superior assigns to the city is not the unit's.
    """
    place = _Place(facts, period, operated)
    found = []
    for unit, targets in _targets(facts.indicator).items():
        own = _facts_of(facts, unit, targets)
        values = dict(_values(duties.state, place, unit))
        verdict = _verdict(_duties_of(duties), place, own, values, method=method, today=today)
        reason, result = words(verdict.reason, verdict.details), result_of(verdict)
        found.append(
            {
                "organization_code": unit,
                "target": target_out(target_for(own.indicator, period, {})),
                **{name: result[name] for name in _SHOWN},
                "reason": reason.zh,
                "reason_en": reason.en,
            }
        )
    return found


def _targets(indicator: Indicator) -> Mapping[str, Sequence[UnitTarget]]:
    found: dict[str, list[UnitTarget]] = {}
    for target in indicator.unit_targets:
        found.setdefault(target.organization, []).append(target)
    return found


def _facts_of(facts: IndicatorFacts, unit: str, targets: Sequence[UnitTarget]) -> IndicatorFacts:
    """Return the facts of an indicator as if the unit were its only reporter."""
    indicator = facts.indicator.model_copy(
        update={"targets": tuple(targets), "unit_targets": (), "baseline": None}
    )
    reporters = tuple(each for each in facts.reporters if each == unit)
    return replace(facts, indicator=indicator, reporters=reporters)


def _duties_of(duties: Duties) -> Duties:
    """Return the duties without the city's assigned targets, and without other units' duties."""
    former = Former(excused=duties.former.excused, unasked=duties.former.unasked)
    return replace(duties, state=replace(duties.state, assigned={}), former=former)


def _values(
    state: PlanState, place: _Place, unit: str
) -> Iterator[tuple[tuple[str, str], Operands]]:
    """Yield a unit's reported operands, by (indicator, period)."""
    indicator = place.facts.indicator
    for code in periods_read(state, place.period, indicator):
        every = place.operated.get((indicator.code, code))
        for operands in every.of_units if every else ():
            if operands.organization_code == unit:
                yield (indicator.code, code), operands


def _verdict(
    duties: Duties,
    place: _Place,
    own: IndicatorFacts,
    values: Operated,
    *,
    method: Method,
    today: date,
) -> Verdict:
    code, period = own.indicator.code, place.period
    if not values and not duties.units(code, own.reporters, period.code):
        return Verdict("not_assessable", NOTHING, "grey", "unit_reports_nothing")
    due = _due_date(duties, own, period)
    case = build_case(duties, own, period, values, method=method, today=today, due_date=due)
    return judge(case)


def _due_date(duties: Duties, own: IndicatorFacts, period: Period) -> date | None:
    """Return the due date of a unit's own values; None: the period was never opened."""
    due = duties.state.due_date(period.code)
    if due is None:
        return None
    codes = (period.code, *finer_of(duties.state, own.indicator, period))
    granted = [
        duties.granted.get((own.indicator.code, code, unit))
        for code in codes
        for unit in own.reporters
    ]
    return max((due, *(each for each in granted if each is not None)))

"""Builds a case from the state of a plan and the operands of one period.

Works on its arguments alone: it neither reads the database nor reaches a verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from services.core.plan.document import Frequency, Indicator, default_weight
from services.core.plan.leads import owner_of, reporters_of
from services.core.plan.periods import Period, months_of
from services.core.plan.state import PlanState
from services.core.plan.target_faults import falls_below_zero
from services.core.scoring.affected import may_rise
from services.core.scoring.aggregation import Operands, Operators, combine
from services.core.scoring.comparables import BaselineValue, Comparable
from services.core.scoring.figures import Figure
from services.core.scoring.judgement import Case, Method, Reporting
from services.core.scoring.owed import Duties, OwedParts, Parts, lacking, owed_parts, units_behind
from services.core.scoring.targets import Target, target_for
from services.core.scoring.time_gone import (
    MONTHS_IN_YEAR,
    full_months,
    months_through,
    whole_months,
)
from services.core.submissions.rules import multiplier

Operated = Mapping[tuple[str, str], Operands]
"""Operands by (indicator code, period code), of one basis."""


@dataclass(frozen=True, slots=True)
class IndicatorFacts:
    """A plan's rules for one indicator, independent of the period.

    `reporters` owe its values; `owner` is the unit whose value is the city's if units combine by
    `direct`, else None.
    """

    indicator: Indicator
    reporters: tuple[str, ...]
    owner: str | None
    weight: Decimal
    operators: Operators
    pace_question: str | None
    verdict_question: str | None

    @property
    def shared(self) -> bool:
        """Whether every reporter owes a part of the value."""
        return self.indicator.aggregation.units != "direct"

    @property
    def adds_up(self) -> bool:
        """Whether the values of finer periods are summed into that of a wider one."""
        return self.operators.periods == "sum" and not self.operators.by_level


def facts_of(state: PlanState) -> Mapping[str, IndicatorFacts]:
    """Return the facts of every indicator of a plan, in the document's order."""
    doubts = _doubts(state)
    return {
        indicator.code: IndicatorFacts(
            indicator=indicator,
            reporters=reporters_of(indicator, state.organizations),
            owner=owner_of(indicator, state.organizations),
            weight=_weight(state, indicator),
            operators=Operators(
                units=indicator.aggregation.units,
                periods=indicator.aggregation.periods,
                multiplier=multiplier(indicator),
                by_level=bool(indicator.levels),
            ),
            pace_question=_doubt(doubts, "no_pace", indicator),
            verdict_question=_doubt(doubts, "no_verdict", indicator),
        )
        for indicator in state.document.indicators
    }


def method_of(state: PlanState) -> Method:
    """Return the parts of the plan's scheme that verdicts depend on."""
    scheme = state.document.scheme
    return Method(
        name=scheme.name,
        version=scheme.version,
        floor=scheme.floor,
        places=scheme.display_places,
        lights=scheme.lights,
        incomplete=scheme.incomplete,
    )


def periods_read(state: PlanState, period: Period, indicator: Indicator) -> list[str]:
    """Return the codes of the periods whose operands a verdict on `period` may read."""
    codes = [period.code, *finer_of(state, indicator, period)]
    if may_rise(indicator):
        before = period.compared_with(indicator.comparison)
        codes += [before.code, *finer_of(state, indicator, before)]
    return codes


def finer_of(state: PlanState, indicator: Indicator, period: Period) -> tuple[str, ...]:
    """Return the codes of the finer periods that an indicator is reported for within a period."""
    return finer_periods(period, state.cycle(indicator, period))


@lru_cache(maxsize=4096)
def finer_periods(period: Period, frequency: Frequency) -> tuple[str, ...]:
    """Return the codes of the finer periods; a full recompute asks for the same ones often."""
    return tuple(child.code for child in period.children(frequency))


def build_case(
    duties: Duties,
    facts: IndicatorFacts,
    period: Period,
    operated: Operated,
    *,
    method: Method,
    today: date,
    due_date: date | None,
) -> Case:
    """Return the case of an indicator in a period, as of the local date `today`.

    `due_date` is the due date of its values; None: the period was never opened, or it was closed
    before the plan had the indicator.
    """
    if (facts.indicator.code, period.code) in duties.former.unasked:
        due_date = None
    state, indicator = duties.state, facts.indicator
    target = target_for(indicator, period, state.assigned)
    own, parts, absent = _operands(state, indicator, period, operated)
    own, parts = own and _named(state, own), tuple(_named(state, part) for part in parts)
    baseline = indicator.baseline
    start = period.calendar.year(baseline.year) if baseline else None
    stage = _stage(duties, facts, period, operated, today)
    beyond = facts.adds_up and _goes_beyond(target, period)
    return Case(
        indicator=indicator.code,
        period=period.code,
        operators=facts.operators,
        own=own,
        parts=parts,
        absent=absent,
        previous=_previous(duties, facts, period, operated) if target.compares else None,
        target=target,
        at_target_date=_at_target_date(target, period, today, complete=stage.complete),
        levels=tuple((level.code, level.name, level.points) for level in indicator.levels),
        growth_is_positive=falls_below_zero(indicator),
        baseline=BaselineValue(baseline.year, baseline.value) if baseline else None,
        elapsed_months=period.months_since(start) - period.months + stage.gone if start else 0,
        whole_months=whole_months(start.last_day, target.end) if start else 0,
        pace_question=facts.pace_question,
        verdict_question=facts.verdict_question,
        reporting=_reporting(state, indicator, period, due_date, today),
        due_date=due_date.isoformat() if due_date else None,
        method=method,
        months_of_sum=stage.gone if _is_part(facts, period, target, stage) else None,
        beyond_target=beyond,
        begun=stage.gone > 0,
        target_date_passed=_target_date_passed(target, period, today, ended=stage.ended),
        owed=stage.owed,
        lower_better=indicator.direction == "lower_better",
        all_or_nothing=(indicator.attainment or state.document.scheme.attainment)
        == "all_or_nothing",
    )


@dataclass(frozen=True, slots=True)
class _Stage:
    """The progress of a period: `gone` months, whether it `ended`, and whether it is `complete`.

    A closed period is judged as if it had ended. An ended period without pending values is
    complete.
    """

    owed: OwedParts
    ended: bool
    complete: bool
    gone: int


def _stage(
    duties: Duties, facts: IndicatorFacts, period: Period, operated: Operated, today: date
) -> _Stage:
    """Return a period's progress, and the missing parts of its value.

    A value made of finer periods reaches as far as the last of them; a value that was reported
    early reaches as far as the last full month.
    """
    parts = _parts(duties.state, facts, period, operated)
    ended = today > period.last_day or duties.state.is_over(period.code)
    owed = owed_parts(duties, parts, today, ended=ended)
    complete = ended and not owed.pending
    last = next((code for code, there in reversed(parts.pieces) if there is not None), period.code)
    if complete:
        gone = period.months
    elif last != period.code:
        gone = months_through(period, period.calendar.period(last))
    else:
        gone = period.months if ended else full_months(period, today)
    return _Stage(owed, ended, complete, gone)


def _parts(state: PlanState, facts: IndicatorFacts, period: Period, operated: Operated) -> Parts:
    """Return the parts of a period's value; nothing is owed for less than a reporting period."""
    indicator = facts.indicator
    codes: tuple[str, ...] = (period.code,)
    if (indicator.code, period.code) not in operated:
        codes = finer_of(state, indicator, period) or codes
    if period.months < months_of(state.cycle(indicator, period)):
        codes = ()
    pieces = [(code, operated.get((indicator.code, code))) for code in codes]
    own, whole = pieces[0][1] if pieces else None, frozenset[str]()
    if own is not None and own.finer:
        others = {part.period: part for part in own.finer}
        pieces += [(code, others.get(code)) for code in finer_of(state, indicator, period)]
        whole = units_behind(own)
    return Parts(
        indicator=indicator.code,
        board=period,
        pieces=pieces,
        operators=facts.operators,
        reporters=facts.reporters,
        shared=facts.shared,
        whole=whole,
    )


def _is_part(facts: IndicatorFacts, period: Period, target: Target, stage: _Stage) -> bool:
    """Return whether a value is a partial sum, to be judged by its share of the target's span.

    A target without a number compares whole periods, so there only an unfinished period is a part.
    """
    if not facts.adds_up:
        return False
    if not target.sets_number:
        return stage.gone < period.months
    return period.months < target.months or not stage.complete


def _goes_beyond(target: Target, period: Period) -> bool:
    """Return whether a sum covers more than the span of a target that is not for a whole year."""
    if target.months == MONTHS_IN_YEAR or not target.sets_number:
        return False
    return period.months > target.months or period.last_day > target.end


def _at_target_date(target: Target, period: Period, today: date, *, complete: bool) -> bool:
    """Return whether a target's date is reached: by a complete period, or within a running one."""
    if target.end < period.last_day:
        return complete or today > target.end
    return complete and period.last_day == target.end


def _target_date_passed(target: Target, period: Period, today: date, *, ended: bool) -> bool:
    """Return whether the gate applies: from the target's year on, once its date has passed."""
    if period.in_year < target.year:
        return False
    return today > target.end or (ended and period.last_day >= target.end)


def _operands(
    state: PlanState, indicator: Indicator, period: Period, operated: Operated
) -> tuple[Operands | None, tuple[Operands, ...], tuple[str, ...]]:
    """Return the period's own operands, or else those of its finer periods and the absent ones."""
    own = operated.get((indicator.code, period.code))
    if own is not None:
        return own, (), ()
    codes = finer_of(state, indicator, period)
    found = {code: operated.get((indicator.code, code)) for code in codes}
    return (
        None,
        tuple(operands for operands in found.values() if operands is not None),
        tuple(code for code, operands in found.items() if operands is None),
    )


_NAMED = 20
"""At most this many units whose value has no parts are named per period."""


def _named(state: PlanState, operands: Operands) -> Operands:
    """Return operands with the names of the units whose value has no parts."""
    finer = tuple(_named(state, part) for part in operands.finer)
    if not operands.unparted and finer == operands.finer:
        return operands
    names = tuple(state.organization_name(unit) for unit in operands.unparted[:_NAMED])
    return replace(operands, unparted=names, finer=finer)


def _previous(
    duties: Duties, facts: IndicatorFacts, period: Period, operated: Operated
) -> Comparable | None:
    """Return the value to compare with, or a baseline that is for exactly that year.

    If a reported value lacks parts, the baseline takes its place.
    """
    before = period.compared_with(facts.indicator.comparison)
    own, parts, _ = _operands(duties.state, facts.indicator, before, operated)
    figure = combine(own, parts, facts.operators).reading.figure
    lacks = lacking(duties, _parts(duties.state, facts, before, operated))
    if figure is not None and not lacks:
        return Comparable(before.code, figure, "reported")
    baseline = facts.indicator.baseline
    if (
        baseline is not None
        and baseline.value is not None
        and facts.pace_question is None
        and (before.frequency, before.year) == ("annual", baseline.year)
    ):
        return Comparable(before.code, Figure(baseline.value), "baseline")
    return None if figure is None else Comparable(before.code, figure, "reported", lacks)


def _reporting(
    state: PlanState, indicator: Indicator, period: Period, due: date | None, today: date
) -> Reporting:
    if due is None:
        return "not_opened"
    if period.months < months_of(state.cycle(indicator, period)):
        return "less_often"
    if due < today:
        return "late"
    return "closed" if state.is_over(period.code) else "not_due"


def _weight(state: PlanState, indicator: Indicator) -> Decimal:
    if indicator.weight is not None:
        return indicator.weight
    return default_weight(state.document, indicator)


def _doubts(state: PlanState) -> Mapping[tuple[str, str], str]:
    """Return the id of the first unsettled question by (effect, subject)."""
    found: dict[tuple[str, str], str] = {}
    for question in state.document.open_questions:
        if question.effect != "none" and question.id not in state.settlements:
            for subject in question.subjects:
                found.setdefault((question.effect, subject), question.id)
    return found


def _doubt(doubts: Mapping[tuple[str, str], str], effect: str, indicator: Indicator) -> str | None:
    """Return the question that holds an indicator back: its own, its group's or the plan's."""
    subjects = (f"indicator:{indicator.code}", f"group:{indicator.group}", "plan")
    return next((doubts[effect, at] for at in subjects if (effect, at) in doubts), None)

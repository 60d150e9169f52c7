"""Gathering a case: a plan as it stands and the operands of one period, put together.

Reads what it is given; the database is elsewhere, and so is the verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from services.core.plan.document import Frequency, Indicator
from services.core.plan.loading import owner_of, reporters_of
from services.core.plan.periods import Period
from services.core.plan.queries import PlanState
from services.core.scoring.aggregation import Operands, Operators, combine
from services.core.scoring.figures import Figure
from services.core.scoring.judgement import Baseline, Case, Comparable, Method, Reporting
from services.core.scoring.targets import Target, target_for
from services.core.scoring.time_gone import full_months, months_through
from services.core.scoring.touch import may_rise
from services.core.submissions.rules import multiplier

Operated = Mapping[tuple[str, str], Operands]
"""Operands by (indicator code, period code), of one basis."""

_MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class Facts:
    """What a plan says of one indicator, whatever the period.

    `reporters` owe its values; `owner` is the unit whose value is the city's where units combine
    directly; None: not so.
    """

    indicator: Indicator
    reporters: tuple[str, ...]
    owner: str | None
    weight: Decimal
    operators: Operators
    pace_question: str | None
    verdict_question: str | None


def facts_of(state: PlanState) -> Mapping[str, Facts]:
    """Return the facts of every indicator of a plan, in the document's order."""
    doubts = _doubts(state)
    return {
        indicator.code: Facts(
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
    return Method(scheme.name, scheme.version, scheme.floor, scheme.display_places, scheme.lights)


def periods_read(period: Period, indicator: Indicator) -> list[str]:
    """Return the codes of the periods whose operands a verdict on `period` may look at."""
    codes = [period.code, *finer_periods(period, indicator.frequency)]
    if may_rise(indicator):
        before = period.compared_with(indicator.comparison)
        codes += [before.code, *finer_periods(before, indicator.frequency)]
    return codes


@lru_cache(maxsize=4096)
def finer_periods(period: Period, frequency: Frequency) -> tuple[str, ...]:
    """Return the codes of the finer periods; a full recompute asks for the same ones often."""
    return tuple(child.code for child in period.children(frequency))


def build_case(
    state: PlanState,
    facts: Facts,
    period: Period,
    operated: Operated,
    *,
    method: Method,
    today: date,
    due_date: date | None,
) -> Case:
    """Return the case of an indicator in a period, as it is on the local date `today`.

    `due_date` is until when its values are due; None: the period was never opened.
    """
    indicator = facts.indicator
    target = target_for(indicator, period.year, state.assigned)
    own, parts, absent = _operands(indicator, period, operated)
    baseline = indicator.baseline
    formula = indicator.formula
    start = Period("annual", baseline.year if baseline else period.year)
    ended = today > period.last_day or state.is_over(period.code)
    gone = _months_gone(period, own, parts, today, ended=ended)
    return Case(
        indicator=indicator.code,
        period=period.code,
        operators=facts.operators,
        own=own,
        parts=parts,
        absent=absent,
        previous=_previous(facts, period, operated) if target.kind == "rising" else None,
        target=target,
        at_target_date=ended and period.last_day >= target.end,
        levels=tuple((level.code, level.name, level.points) for level in indicator.levels),
        growth_is_positive=formula is None or formula.sign_convention != "decline_positive",
        baseline=Baseline(baseline.year, baseline.value) if baseline else None,
        elapsed_months=period.months_since(start) - period.months + gone if baseline else 0,
        whole_months=_MONTHS_IN_YEAR * (target.year - start.year) if baseline else 0,
        pace_question=facts.pace_question,
        verdict_question=facts.verdict_question,
        reporting=_reporting(indicator, period, due_date, today),
        due_date=due_date.isoformat() if due_date else None,
        method=method,
        months_of_sum=gone if _is_part(facts, period, target, gone, ended=ended) else None,
        begun=gone > 0,
        target_date_passed=_target_date_passed(target, period, today, ended=ended),
    )


def _months_gone(
    period: Period,
    own: Operands | None,
    parts: tuple[Operands, ...],
    today: date,
    *,
    ended: bool,
) -> int:
    """Return how many months of a period its value speaks for.

    A value made of finer ones reaches as far as the last of them, one handed in early as far as
    the last full month.
    """
    if ended:
        return period.months
    if own is None and parts:
        return months_through(period, Period.parse(parts[-1].period))
    return full_months(period, today)


def _is_part(facts: Facts, period: Period, target: Target, gone: int, *, ended: bool) -> bool:
    """Return whether a value is a part of a year's sum, to be judged by its share of the year.

    A target that sets no number is compared period with period, and then a whole one is none.
    """
    if facts.operators.periods != "sum" or facts.operators.by_level:
        return False
    if target.bound is None:
        return gone < period.months
    return period.frequency != "annual" or not ended


def _target_date_passed(target: Target, period: Period, today: date, *, ended: bool) -> bool:
    """Return whether the gate counts: from the target's year on, once its date has passed."""
    if period.year < target.year:
        return False
    return today > target.end or (ended and period.last_day >= target.end)


def _operands(
    indicator: Indicator, period: Period, operated: Operated
) -> tuple[Operands | None, tuple[Operands, ...], tuple[str, ...]]:
    """Return the period's own operands, or else those of its finer periods and what is absent."""
    own = operated.get((indicator.code, period.code))
    if own is not None:
        return own, (), ()
    codes = finer_periods(period, indicator.frequency)
    found = {code: operated.get((indicator.code, code)) for code in codes}
    return (
        None,
        tuple(operands for operands in found.values() if operands is not None),
        tuple(code for code, operands in found.items() if operands is None),
    )


def _previous(facts: Facts, period: Period, operated: Operated) -> Comparable | None:
    """Return the value to compare with, or a baseline that is of exactly that year."""
    before = period.compared_with(facts.indicator.comparison)
    own, parts, _ = _operands(facts.indicator, before, operated)
    figure = combine(own, parts, facts.operators).reading.figure
    if figure is not None:
        return Comparable(before.code, figure, "reported")
    baseline = facts.indicator.baseline
    if baseline is None or baseline.value is None or facts.pace_question is not None:
        return None
    if (before.frequency, before.year) != ("annual", baseline.year):
        return None
    return Comparable(before.code, Figure(baseline.value), "baseline")


def _reporting(indicator: Indicator, period: Period, due: date | None, today: date) -> Reporting:
    if due is None:
        return "not_opened"
    if period.months < Period(indicator.frequency, period.year).months:
        return "less_often"
    return "late" if due < today else "not_due"


def _weight(state: PlanState, indicator: Indicator) -> Decimal:
    if indicator.weight is not None:
        return indicator.weight
    default: Decimal = getattr(state.document.scheme.weights, indicator.selection)
    return default


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

"""Which figures have to be looked up to check a submission. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from services.core.plan.check_entries import CheckTerm, EntryChecks, PeriodOfTerm
from services.core.plan.checks_in_force import StandingRule
from services.core.plan.periods import Period
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState

_NO_CHECKS = EntryChecks()


def slots_needed(rows: Iterable[Mapping[str, Any]], plan: PlanState) -> set[Slot]:
    """Return the other slots whose figures the checks of some submissions compare.

    A code that is not a period is refused elsewhere, and needs none.
    """
    if not (plan.checks.by_indicator or plan.checks.built_in):
        return set()
    needed: set[Slot] = set()
    for row in rows:
        own = slot_of(row)
        if not _is_period(own.period, plan):
            continue
        needed.update(_needed(own, plan))
        needed.discard(own)
    return needed


def _is_period(code: str, plan: PlanState) -> bool:
    try:
        plan.period_calendar.period(code)
    except ValueError:
        return False
    return True


def _needed(own: Slot, plan: PlanState) -> Iterator[Slot]:
    for one in rules_for(own, plan):
        yield from slots_of_rule(one, own, plan)
    built_in = plan.checks.built_in.get(own.indicator_code)
    if built_in is not None and own.indicator_code in plan.indicators:
        yield from _slots_before(built_in, own, plan)


def _slots_before(built_in: EntryChecks, own: Slot, plan: PlanState) -> Iterator[Slot]:
    period = plan.period_calendar.period(own.period)
    for change in built_in.changes:
        yield own._replace(period=period.compared_with(change.against).code)
    if built_in.outlier is not None:
        for code in earlier_codes(period, built_in.outlier.window):
            yield own._replace(period=code)


def built_in_of(own: Slot, plan: PlanState) -> EntryChecks:
    """Return the built-in checks of a figure."""
    return plan.checks.built_in.get(own.indicator_code, _NO_CHECKS)


def rules_for(own: Slot, plan: PlanState) -> Iterator[StandingRule]:
    """Yield the rules that apply to the figure of a slot, in the plan's order."""
    for one in plan.checks.by_indicator.get(own.indicator_code, ()):
        if one.concerns(own.indicator_code, own.organization_code):
            yield one


def slots_of_rule(one: StandingRule, own: Slot, plan: PlanState) -> Iterator[Slot]:
    """Yield the slots that a rule compares when it runs for a slot."""
    for term in (*one.rule.left, *one.rule.right):
        if term.indicator is not None:
            yield slot_of_term(term, own, plan)


def slot_of_term(term: CheckTerm, own: Slot, plan: PlanState) -> Slot:
    """Return the slot of a term; the term has an indicator."""
    period = plan.period_calendar.period(own.period)
    return Slot(
        term.indicator or "",
        term.organization or own.organization_code,
        _code_at(period, term.at),
    )


# Cached because a batch asks for the same few codes thousands of times.
@lru_cache(maxsize=4096)
def _code_at(period: Period, at: PeriodOfTerm) -> str:
    if at == "this_period":
        return period.code
    return (period.previous() if at == "previous_period" else period.same_last_year()).code


@lru_cache(maxsize=4096)
def earlier_codes(period: Period, count: int) -> tuple[str, ...]:
    """Return the codes of the periods of its frequency before a period, the latest first."""
    codes = []
    for _ in range(count):
        period = period.previous()
        codes.append(period.code)
    return tuple(codes)

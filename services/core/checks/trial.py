"""What a rule that is not in force would find in the stored figures. Pure.

A rule runs once per unit and period, however many of its indicators were reported there: at the
first of them, in the order of their codes.
"""

from collections.abc import Iterator, Sequence

from services.core.checks.figures import Figures
from services.core.checks.findings import CheckFinding
from services.core.checks.judging import judge_rule
from services.core.checks.lookups import slots_of_rule
from services.core.plan.checks_in_force import StandingRule, by_indicator
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState

MOST_RULES_TRIED = 20
_MOST_LOOKED_UP = 10_000
_MOST_AT_ONCE = 500


def most_at_once(rules: Sequence[StandingRule]) -> int:
    """Return how many submissions to process at once, so that the number of lookups is bounded."""
    terms = sum(len(one.rule.left) + len(one.rule.right) for one in rules)
    return min(_MOST_AT_ONCE, max(_MOST_LOOKED_UP // max(terms, 1), 1))


def places_tried(
    reported: Sequence[Slot], rules: tuple[StandingRule, ...], plan: PlanState
) -> set[Slot]:
    """Return the slots whose figures the rules compare for these reported slots."""
    return {
        slot
        for own in reported
        for one in _asked(own, rules)
        for slot in (own, *_askers(one, own), *slots_of_rule(one, own, plan))
    }


def broken_by(
    reported: Sequence[Slot],
    rules: tuple[StandingRule, ...],
    plan: PlanState,
    figures: Figures,
) -> Iterator[tuple[Slot, CheckFinding]]:
    """Yield the slots where a rule would not hold, with the finding."""
    for own in reported:
        for one in _asked(own, rules):
            asks = next((each for each in _askers(one, own) if figures.at(each)), own)
            if asks != own:
                continue
            found = judge_rule(one, own, figures.at(own), plan, figures)
            if found is not None:
                yield own, found


def _asked(own: Slot, rules: tuple[StandingRule, ...]) -> Iterator[StandingRule]:
    for one in by_indicator(rules).get(own.indicator_code, ()):
        if one.concerns(own.indicator_code, own.organization_code):
            yield one


def _askers(one: StandingRule, own: Slot) -> list[Slot]:
    """Return the slots of a unit and period at which a rule may run, by their codes."""
    codes = {code for code, unit in one.asked_of if unit in {None, own.organization_code}}
    return [own._replace(indicator_code=code) for code in sorted(codes)]

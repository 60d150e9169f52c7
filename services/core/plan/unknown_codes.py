"""What is told of a code that a plan does not have, and which one may have been meant. Pure."""

from collections.abc import Mapping

from services.core.kit.errors import Fault
from services.core.kit.nearest import closest, meant
from services.core.kit.text import Text
from services.core.plan.queries import PlanState

_MOST_OFFERED = 3

_NO_INDICATOR = Text("计划中没有该指标", "The plan has no such indicator")
_NO_ORGANIZATION = Text("计划中没有该单位", "The plan has no such organization")
_NO_MEASURE = Text("计划中没有该措施", "The plan has no such measure")


def unknown_indicator(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of an indicator's code that the plan has not, with those nearest to it."""
    named = {
        name: f"{entry.code}（{entry.name}）"
        for entry in plan.document.indicators
        for name in (entry.name, entry.printed_name, entry.code)
    }
    return Fault(place, "unknown-indicator", _or_nearest(_NO_INDICATOR, code, named), code)


def unknown_organization(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of a unit's code that the plan has not, with those nearest to it."""
    named = {
        name: f"{entry.code}（{entry.name}）"
        for entry in plan.document.organizations
        for name in (*entry.aliases, entry.name, entry.code)
    }
    return Fault(place, "unknown-organization", _or_nearest(_NO_ORGANIZATION, code, named), code)


def unknown_measure(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of a measure's code that the plan has not, with those nearest to it."""
    named = {each: each for each in plan.measures}
    return Fault(place, "unknown-measure", _or_nearest(_NO_MEASURE, code, named), code)


def _or_nearest(said: Text, code: str, named: Mapping[str, str]) -> Text:
    """Return `said` with what may have been meant; `named` are the shown words by each name."""
    known = {name.casefold(): shown for name, shown in named.items()}
    near = [known[one] for one in closest(code, known, most=_MOST_OFFERED)]
    return meant(said, dict.fromkeys(near)) if near else said

"""Faults of codes that a plan does not have, with suggestions of similar ones. Pure."""

from collections.abc import Iterable, Mapping

from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import MOST_COMPARED, with_closest
from services.core.kit.text import Text
from services.core.plan.periods import Period
from services.core.plan.state import PlanState

_NO_INDICATOR = Text("计划中没有该指标", "The plan has no such indicator")
_NO_ORGANIZATION = Text("计划中没有该单位", "The plan has no such organization")
_NO_MEASURE = Text("计划中没有该措施", "The plan has no such measure")
_NO_SECTION = Text("计划中没有该部分", "The plan has no such section")


def unknown_indicator(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of an unknown indicator code, with the most similar codes."""
    (fault,) = unknown_indicators(plan, [(place, code)])
    return fault


def unknown_indicators(plan: PlanState, named: Iterable[tuple[str, str]]) -> list[Fault]:
    """Return a fault for each (place, code) of an unknown indicator."""
    unknown = [(place, code) for place, code in named if code not in plan.indicators]
    shown = {
        name: f"{entry.code}（{entry.name}）"
        for entry in plan.document.indicators
        for name in (entry.name, entry.printed_name, entry.code)
    }
    return _each_unknown("unknown-indicator", _NO_INDICATOR, unknown, shown)


def unknown_organization(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of an unknown unit code, with the most similar codes."""
    (fault,) = unknown_organizations(plan, [(place, code)])
    return fault


def unknown_organizations(plan: PlanState, named: Iterable[tuple[str, str]]) -> list[Fault]:
    """Return a fault for each (place, code) of an unknown unit."""
    unknown = [(place, code) for place, code in named if code not in plan.organizations]
    shown = {
        name: f"{entry.code}（{entry.name}）"
        for entry in plan.document.organizations
        for name in (*entry.aliases, entry.name, entry.code)
    }
    return _each_unknown("unknown-organization", _NO_ORGANIZATION, unknown, shown)


def _each_unknown(
    fault: str, said: Text, unknown: Iterable[tuple[str, str]], shown: Mapping[str, str]
) -> list[Fault]:
    """Return a fault for each (place, code); only the first few with similar names."""
    return [
        Fault(
            place,
            fault,
            with_closest(said, code, shown) if number < MOST_COMPARED else said,
            code,
        )
        for number, (place, code) in enumerate(unknown)
    ]


def unknown_measure(plan: PlanState, place: str, code: str) -> Fault:
    """Return the fault of an unknown measure code, with the most similar codes."""
    shown = {each: each for each in plan.measures}
    return Fault(place, "unknown-measure", with_closest(_NO_MEASURE, code, shown), code)


def parsed_period(plan: PlanState, code: str, pointer: str) -> Period:
    """Return the period of a code.

    Raises:
        InvalidInput: the code is malformed, or the period begins before the plan.
    """
    try:
        period = plan.period_calendar.period(code)
    except ValueError:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "invalid-period",
                    Text(
                        "周期应写作 2025、2025-H1、2025-Q3 或 2025-09",
                        "A period is written 2025, 2025-H1, 2025-Q3 or 2025-09",
                    ),
                    code[:40],
                )
            ]
        ) from None
    if period.last_day < plan.document.span.start:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "period-before-plan",
                    Text("该周期早于计划的开始", "The period ends before the plan begins"),
                    code,
                )
            ]
        )
    return period


def unknown_section(plan: PlanState, place: str, section: str) -> Fault:
    """Return the fault of an unknown section, with the most similar headings."""
    tasks = plan.document.tasks
    shown = {
        name: task.section_number or task.section
        for task in tasks
        for name in (task.section, task.section_number)
        if name
    }
    return Fault(place, "unknown-section", with_closest(_NO_SECTION, section, shown), section)

"""What a unit may take over for a value that it is asked for, and where that comes from. Pure.

Nothing is taken over by itself: a value of another period, or what another source says of this
one, is a suggestion with its source, and a person says it anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.core.observations.models import Observation
from services.core.plan.document import Indicator
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.submissions.models import Submission

SuggestionSource = Literal["last-period", "last-year"]

ReportedValues = Mapping[tuple[str, str, str], Submission]
"""Submissions by unit, indicator and period."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An earlier value of the same unit and indicator; `submission` says which and how sure."""

    source: SuggestionSource
    period: str
    submission: Submission


@dataclass(frozen=True, slots=True)
class FormCell:
    """One value that is asked for: what was said of it so far, and what may be taken over.

    `observations` are what other sources say of this very value, the newest first.
    """

    indicator: Indicator
    submission: Submission | None
    suggestions: tuple[Suggestion, ...]
    observations: tuple[Observation, ...]


def looked_at(period: Period) -> list[str]:
    """Return the codes of the periods whose values a form of this period shows."""
    return list(dict.fromkeys((period.code, period.previous().code, period.same_last_year().code)))


def cells(
    plan: PlanState,
    period: Period,
    unit: str,
    asked: Iterable[str],
    reported: ReportedValues,
    observed: Mapping[str, Sequence[Observation]],
) -> list[FormCell]:
    """Return what a unit is asked for in a period, and what it said unasked, as the plan orders it.

    Of two sources that are the same period, as for a year, the first alone is told.
    """
    wanted = set(asked)
    wanted |= {code for of, code, when in reported if of == unit and when == period.code}
    return [
        FormCell(
            indicator,
            reported.get((unit, code, period.code)),
            tuple(_suggestions(unit, code, period, reported)),
            tuple(observed.get(code, ())),
        )
        for code, indicator in plan.indicators.items()
        if code in wanted
    ]


def _suggestions(
    unit: str, indicator: str, period: Period, reported: ReportedValues
) -> Iterable[Suggestion]:
    sources: dict[str, SuggestionSource] = {period.previous().code: "last-period"}
    sources.setdefault(period.same_last_year().code, "last-year")
    for code, source in sources.items():
        found = said_in(code, unit, indicator, reported)
        if found is not None:
            yield Suggestion(source, code, found)


def said_in(period: str, unit: str, indicator: str, reported: ReportedValues) -> Submission | None:
    """Return what a unit said of an indicator in a period, for it to be said anew.

    A draft is not said yet, and what was found falsified is no figure to go on from.
    """
    found = reported.get((unit, indicator, period))
    return None if found is None or found.state == "draft" or found.falsified else found

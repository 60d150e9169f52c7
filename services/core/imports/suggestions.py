"""Values that a unit may take over for one that it is asked for, each with its source. Pure.

Nothing is taken over automatically: a value of another period, or another source's value for this
one, is a suggestion with its source, and a person has to enter it.
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
    """An earlier value of the same unit and indicator; `submission` has the value and status."""

    source: SuggestionSource
    period: str
    submission: Submission


@dataclass(frozen=True, slots=True)
class FormCell:
    """A value that a unit is asked for: what it reported so far, and what it may take over.

    `observations` are other sources' figures for this very value, newest first.
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
    """Return the values that a unit is asked for in a period or reported unasked, in plan order.

    If both sources of suggestions are the same period, as for a year, only the first is given.
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
    """Return a unit's submission for an indicator and period, if it may be taken over.

    A draft is not reported yet, and a figure found falsified must not be repeated.
    """
    found = reported.get((unit, indicator, period))
    return None if found is None or found.state == "draft" or found.falsified else found

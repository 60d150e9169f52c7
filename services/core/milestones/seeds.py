"""The first milestone of every measure, made from the plan's own words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.core.plan.document import Measure, OrganizationEntry, PlanDocument
from services.core.plan.leads import leading

_LONGEST_TITLE = 60


@dataclass(frozen=True, slots=True)
class Seed:
    """A milestone that the plan itself requires of a unit that leads a measure."""

    measure_code: str
    organization_code: str
    title: str
    deliverable: str
    due_date: date


def seeds_of(document: PlanDocument) -> list[Seed]:
    """Return the seeds of every measure: due at the end of its printed year, or of the plan.

    A measure has one for its first lead that is a unit; a collective name cannot sign, so each of
    its members gets one.
    """
    units = {entry.code: entry for entry in document.organizations}
    return [
        Seed(
            measure_code=measure.code,
            organization_code=unit,
            title=_title(measure.text),
            deliverable=measure.text,
            due_date=_due_date(measure, document),
        )
        for task in document.tasks
        for measure in task.measures
        for unit in _signers(measure, units)
    ]


def _signers(measure: Measure, units: Mapping[str, OrganizationEntry]) -> Sequence[str]:
    """Return the units that must sign for a measure: at least one, and no collective name."""
    named = measure.lead_units or measure.responsible_units
    alone = next((code for code in named if units[code].submits), None)
    signers = [
        code
        for lead in named
        for code in (units[lead].members or ([lead] if lead == alone else []))
        if units[code].submits
    ]
    return tuple(dict.fromkeys(signers)) or leading(measure, units)[:1]


def _title(sentence: str) -> str:
    first, _, _ = sentence.partition("。")
    return first if len(first) <= _LONGEST_TITLE else first[: _LONGEST_TITLE - 1] + "…"


def _due_date(measure: Measure, document: PlanDocument) -> date:
    match measure.deadline:
        case None:
            return document.span.end
        case date():
            return measure.deadline
        case year:
            return document.period_calendar.year(year).last_day

"""The first milestone of every measure, made from the plan's own words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.core.plan.document import Measure, OrganizationEntry, PlanDocument

_LONGEST_TITLE = 60


@dataclass(frozen=True, slots=True)
class Seed:
    """What the plan itself asks of a measure's lead unit."""

    measure_code: str
    organization_code: str
    title: str
    deliverable: str
    due_date: date


def seeds_of(document: PlanDocument) -> list[Seed]:
    """Return one seed a measure: due at the end of its printed year, or of the plan."""
    units = {entry.code: entry for entry in document.organizations}
    return [
        Seed(
            measure_code=measure.code,
            organization_code=_lead(measure, units),
            title=_title(measure.text),
            deliverable=measure.text,
            due_date=_due_date(measure, document),
        )
        for task in document.tasks
        for measure in task.measures
    ]


def _lead(measure: Measure, units: Mapping[str, OrganizationEntry]) -> str:
    """Return the first lead that is a unit at all; a collective name does nothing by itself."""
    leads: Sequence[str] = measure.lead_units
    return next((code for code in leads if units[code].submits), leads[0])


def _title(sentence: str) -> str:
    first = sentence.split("。", 1)[0]
    return first if len(first) <= _LONGEST_TITLE else first[: _LONGEST_TITLE - 1] + "…"


def _due_date(measure: Measure, document: PlanDocument) -> date:
    return document.span.end if measure.deadline is None else date(measure.deadline, 12, 31)

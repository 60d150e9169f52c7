"""Conflicts over milestones: who sees them, and the data of their events."""

from services.core.conflicts.subject import ConflictSubject
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.plan.visibility import Owned


def _told(conflict: MilestoneConflict) -> dict[str, object]:
    return {
        "milestone_id": str(conflict.milestone_id),
        "measure_code": conflict.measure_code,
        "organization_code": conflict.organization_code,
        "title": conflict.title,
        "verb": conflict.verb,
        "reason": conflict.reason,
        "fields": conflict.fields,
    }


OVER_MILESTONES = ConflictSubject(
    table=MilestoneConflict,
    # The milestone's unit, which does not change once work on it has begun.
    owned=Owned(
        city="milestone_conflict.city_code",
        plan="milestone_conflict.plan_code",
        unit="milestone_conflict.organization_code",
        measure="milestone_conflict.measure_code",
    ),
    events={"raised": "milestone_conflict.raised", "decided": "milestone_conflict.decided"},
    told=_told,
)

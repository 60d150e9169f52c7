"""Conflicts over submissions: who sees them, and the content of their events."""

from services.core.conflicts.subject import ConflictSubject
from services.core.kit.decimals import plain_or_none
from services.core.plan.visibility import Owned
from services.core.submissions.conflicts.models import SubmissionConflict


def _told(conflict: SubmissionConflict) -> dict[str, object]:
    return {
        "indicator_code": conflict.indicator_code,
        "organization_code": conflict.organization_code,
        "period": conflict.period,
        "submission_id": str(conflict.submission_id),
        "reason": conflict.reason,
        "fields": conflict.fields,
        "kind": conflict.kind,
        **_told_of_observation(conflict),
    }


def _told_of_observation(conflict: SubmissionConflict) -> dict[str, object]:
    """Return the event data that conflicts with another source have in addition."""
    if conflict.kind != "observation" or conflict.observed is None:
        return {}
    closed = {"closed_because": conflict.closed_because} if conflict.closed_because else {}
    return {
        "observation_id": str(conflict.observation_id),
        "source_code": conflict.observed["source_code"],
        "difference": plain_or_none(conflict.difference),
        "owner_code": conflict.owner_code,
        "due_date": None if conflict.due_date is None else conflict.due_date.isoformat(),
        **closed,
    }


OVER_SUBMISSIONS = ConflictSubject(
    table=SubmissionConflict,
    # Visible to the unit of the value, and to the unit that has to decide.
    owned=Owned(
        city="conflict.city_code",
        plan="conflict.plan_code",
        unit="conflict.organization_code",
        second_unit="conflict.owner_code",
        indicator="conflict.indicator_code",
    ),
    events={
        "raised": "conflict.raised",
        "changed": "conflict.changed",
        "closed": "conflict.closed",
        "decided": "conflict.decided",
    },
    told=_told,
)

"""Submissions as rows, and the actors who meet them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from services.core.identity.actor import Actor, operator
from services.core.identity.rules import GRANTABLE_SCOPES, Role
from services.core.plan.document import Indicator
from services.core.plan.leads import leads_of
from services.core.submissions.authorship import Authors, SubmissionRow
from services.core.submissions.changes import moved
from services.core.submissions.creation import access_to
from services.core.submissions.rules import SubmissionAccess, SubmissionVerb
from tests.support.api import xinmi

CITY = "410183"
LEAD, TOWN, STRANGER = "UN15", "410183107", "UN10"
"""Leads indicator U08; a township that reports for it; a unit that has no part in it."""

NOW = datetime(2026, 1, 20, 8, tzinfo=UTC)


@cache
def indicator() -> Indicator:
    """Return U08 of Xinmi's plan, a percentage."""
    return next(one for one in xinmi().indicators if one.code == "U08")


def an_actor(role: Role, unit: str | None = None, number: int = 1, **more: Any) -> Actor:
    """Return somebody with every scope that the role may have."""
    return replace(
        operator(CITY),
        kind="api_key",
        every_city=False,
        credential_id=UUID(int=number),
        role=role,
        organization_code=unit,
        scopes=GRANTABLE_SCOPES[role],
        **more,
    )


def a_row(actor: Actor, **changes: object) -> SubmissionRow:
    """Return a submission of the township that an actor has just handed in."""
    return {
        "organization_code": TOWN,
        "state": "submitted",
        "revision": 1,
        "approved_revision": None,
        "value": None,
        "numerator": None,
        "denominator": None,
        "level": None,
        "not_applicable_reason": None,
        "data_status": "final",
        "note": None,
        "justification": None,
        "checks": None,
        "source": None,
        "on_behalf": actor.organization_code != TOWN,
        "falsified": False,
        "reason": None,
        "reported_by": actor.credential_id,
        "reported_by_organization": actor.organization_code,
        "authors": None,
        "author_organizations": None,
        "authorship": None,
        "files": None,
        "submitted_at": NOW,
        "decided_at": None,
        **changes,
    }


def after(row: SubmissionRow, *verbs: tuple[Actor, SubmissionVerb]) -> Mapping[str, Any]:
    """Return a submission after verbs that the state allows."""
    for actor, verb in verbs:
        row = {**row, **moved(row, verb, actor=actor, reason="理由", now=NOW)}
    return row


def place(row: SubmissionRow) -> SubmissionAccess:
    """Return what the right to act on a row depends on."""
    return access_to(row, leads_of(indicator()), "planned")


def a_place(*authors: Actor, **changes: Any) -> SubmissionAccess:
    """Return the place of a submission of the township with these authors."""
    made = Authors()
    for one in authors:
        made = made.with_(one)
    base = SubmissionAccess(
        state="submitted",
        organization_code=TOWN,
        authors=made,
        leads=(LEAD,),
        correcting=False,
        falsified=False,
    )
    return replace(base, **changes)

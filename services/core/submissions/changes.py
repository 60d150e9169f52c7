"""The columns that each verb changes in a submission. Pure: takes a row, returns the changes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from services.core.identity.actor import Actor
from services.core.plan.document import Indicator
from services.core.plan.evidence_rules import all_kept, pieces_of
from services.core.submissions.authorship import (
    NOBODY,
    Authors,
    SubmissionRow,
    after_writing,
    authorship_of,
    columns_of,
    taken_over,
)
from services.core.submissions.rules import (
    REMARKS,
    TRANSITIONS,
    Form,
    SubmissionVerb,
    reported,
)

FORMS = ("value", "numerator", "denominator", "level", "not_applicable_reason")
"""The columns of the reported value; the columns beside it are the `REMARKS`."""


def signed(
    row: SubmissionRow,
    actor: Actor,
    wanted: Mapping[str, Any] = MappingProxyType({}),
    beside: Authors = NOBODY,
) -> dict[str, Any]:
    """Return the authorship columns after the actor wrote `wanted` and signed the present revision.

    `beside` are further authors of these words. A revision is on behalf of its unit as soon as
    anybody signed it with a key that is not of that unit.
    """
    on_behalf = actor.organization_code != row["organization_code"]
    return {
        "reported_by": actor.author_id,
        "reported_by_organization": actor.organization_code,
        **columns_of(after_writing(row, wanted, actor, beside)),
        "on_behalf": on_behalf or (bool(authorship_of(row).revision.keys) and row["on_behalf"]),
    }


def form_after(row: SubmissionRow, changes: Mapping[str, Any]) -> Form:
    """Return the form after the changes; a computed value is left out in favour of its parts."""
    computed = row["numerator"] is not None
    present = {
        **{name: row[name] for name in FORMS},
        **({"value": None, "not_applicable_reason": None} if computed else {}),
    }
    return Form(**{name: changes.get(name, value) for name, value in present.items()})


def stepped(row: SubmissionRow, now: datetime) -> SubmissionRow:
    """Return a changed submission as its next version."""
    return {**row, "version": row["version"] + 1, "updated_at": now}


def edited(
    row: SubmissionRow,
    changes: Mapping[str, Any],
    form: Form,
    *,
    indicator: Indicator,
    actor: Actor,
    beside: Authors = NOBODY,
) -> dict[str, Any]:
    """Return the columns that an edit without faults changes; `changes` by column.

    `form` is the form after the changes. Empty if nothing changes: then the actor is no author
    either.
    """
    wanted = reported(form, indicator).columns
    wanted |= {name: changes[name] for name in REMARKS if name in changes}
    if all(row[name] == value for name, value in wanted.items()):
        return {}
    return {**wanted, **signed(row, actor, wanted, beside)}


def moved(
    row: SubmissionRow, verb: SubmissionVerb, *, actor: Actor, reason: str | None, now: datetime
) -> dict[str, Any]:
    """Return the columns that a verb changes, given that the state allows it.

    A correction is a new revision: it is not falsified, and its first authors are those of the
    words that it takes over.
    """
    after: dict[str, Any] = {"state": TRANSITIONS[row["state"], verb], "reason": reason}
    if verb == "submit":
        return {**after, **signed(row, actor), "submitted_at": now, "decided_at": None}
    if verb == "approve":
        kept = {"files": all_kept(pieces_of(row["files"]))} if row["files"] else {}
        return {**after, **kept, "approved_revision": row["revision"], "decided_at": now}
    if verb == "return":
        return {**after, "decided_at": now}
    if verb == "reopen":
        words = columns_of(taken_over(row))
        return {**after, **words, "revision": row["revision"] + 1, "falsified": False}
    if verb == "falsify":
        return {**after, "falsified": True}
    return after

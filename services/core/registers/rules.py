"""The state machine of a row: transitions, who may make them, and their effects. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, get_args
from uuid import UUID

from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.evidence_rules import Piece, all_kept, pieces_of
from services.core.plan.register_entries import Register, RowEnd
from services.core.plan.state import PlanState
from services.core.registers.deadlines import deadlines
from services.core.registers.errors import RegisterNotFound
from services.core.registers.judging import Cells, validity
from services.core.submissions.authorship import Authors, authors_kept, authors_read
from services.core.submissions.creation import organization_faults
from services.core.submissions.rules import reviews, writes_for

RowState = Literal["draft", "confirmed", "ended", "revoked", "withdrawn"]
RowVerb = Literal["edit", "confirm", "end", "revoke", "withdraw"]
RegisterOutcome = Literal["created", "updated", "unchanged", "rejected"]

WRITING_VERBS: frozenset[RowVerb] = frozenset({"edit", "withdraw"})
"""The verbs of those who keep the register. The others are review."""

STANDING: frozenset[RowState] = frozenset({"draft", "confirmed"})
"""The states in which a row holds its key."""

MOST_ROWS = 5000
"""How many rows may be written at once."""

ENDS: Mapping[RowVerb, RowEnd] = {"end": "ended", "revoke": "revoked"}
"""The verbs by which a row ceases to count, and what it is then."""

ACTIONS: Mapping[RowVerb, str] = {
    "edit": "changed",
    "confirm": "confirmed",
    "end": "ended",
    "revoke": "revoked",
    "withdraw": "withdrawn",
}
"""What history and event call what a verb did."""

Row = Mapping[str, Any]
"""The columns of a row by name."""


@dataclass(frozen=True, slots=True)
class WritingTime:
    """When something is written: the instant, and which day that is locally."""

    instant: datetime
    today: date


@dataclass(frozen=True, slots=True)
class RowDraft:
    """What is to be said by a row, as it came in; with `faults` its shape is wrong.

    `index` counts from 0. `untouched` are the columns whose cells came back as they were handed
    out: they say nothing, and are no part of `said`. `row_id` was given by a device to what it
    makes.
    """

    index: int
    organization_code: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    untouched: frozenset[str] = frozenset()
    row_id: UUID | None = None


def register_in(plan: PlanState, code: str) -> Register:
    """Return the register of a code.

    Raises:
        RegisterNotFound: the plan has none of this code.
    """
    found = plan.registers.get(code)
    if found is None:
        raise RegisterNotFound
    return found


def keeps(actor: Actor, register: Register, organization_code: str) -> bool:
    """Return whether the actor writes the rows of a unit: who reports for it does, if it keeps."""
    return not keeps_no_more(register, organization_code) and writes_for(actor, organization_code)


def keeps_no_more(register: Register, organization_code: str) -> bool:
    """Return whether a unit is none of those that keep a register, whatever rows it has there."""
    return bool(register.keepers) and organization_code not in register.keepers


def writes_row(actor: Actor, register: Register, organization_code: str) -> bool:
    """Return whether the actor changes a row of a unit that stands.

    Who keeps it does; of a unit that keeps the register no more, whoever reports for any unit.
    """
    if keeps_no_more(register, organization_code):
        return writes_for(actor, organization_code) and actor.may(Permission.REPORT_FOR_ANY_UNIT)
    return keeps(actor, register, organization_code)


def confirms(actor: Actor, register: Register) -> bool:
    """Return whether the actor decides on rows: the office, or a unit that leads the register."""
    return reviews(actor, register.leads)


def keeper_faults(register: Register, organization_code: str, plan: PlanState) -> list[Fault]:
    """Return what is wrong with the unit that a row is said to be of."""
    faults = organization_faults(organization_code, plan)
    if not faults and keeps_no_more(register, organization_code):
        units = [plan.organization_name(code) for code in register.keepers]
        words = Text(
            f"该台账的填报单位：{'、'.join(units)}",
            f"The register is kept by: {', '.join(register.keepers)}",
        )
        faults = [Fault("/organization_code", "not-a-keeper", words, organization_code)]
    return faults


def authors_of(row: Row) -> Authors:
    """Return who wrote what a row says and is not confirmed."""
    return authors_read(row["authors"])


def has_right(actor: Actor, verb: RowVerb, row: Row, register: Register) -> bool:
    """Return whether the actor has the right to a verb, whatever the state.

    Nobody confirms what they, or another key of their unit, wrote.
    """
    if verb in WRITING_VERBS:
        return writes_row(actor, register, row["organization_code"])
    if not confirms(actor, register):
        return False
    return verb != "confirm" or not authors_of(row).include(actor)


def state_allows(verb: RowVerb, row: Row, register: Register) -> bool:
    """Return whether the state of a row allows a verb, whoever asks.

    What was confirmed counts while its correction is a draft, and may be ended then too.
    """
    if verb in ENDS:
        counts = row["state"] in STANDING and row["counted"] is not None
        return counts and ENDS[verb] in register.ends
    if verb == "edit":
        return row["state"] in STANDING
    return bool(row["state"] == "draft")


def allowed_actions(actor: Actor, row: Row, register: Register | None) -> list[RowVerb]:
    """Return the verbs that this actor may use on this row now; the plan may have dropped it."""
    if register is None:
        return []
    return [
        verb
        for verb in get_args(RowVerb)
        if state_allows(verb, row, register) and has_right(actor, verb, row, register)
    ]


def new_row(
    plan: PlanState, register: Register, organization_code: str, *, row_id: UUID, now: datetime
) -> Row:
    """Return a row that says nothing yet, which `after_writing` fills."""
    return {
        "city_code": plan.city_code,
        "id": row_id,
        "plan_code": plan.code,
        "register_code": register.code,
        "key": "",
        "organization_code": organization_code,
        "state": "draft",
        "cells": {},
        "counted": None,
        "valid_from": None,
        "valid_to": None,
        "ended_on": None,
        "reason": None,
        "authors": authors_kept(Authors()),
        "files": None,
        "renew_by": None,
        "renewed_as": None,
        "recheck_by": None,
        "title": None,
        "created_at": now,
        "updated_at": now,
        "version": 0,
        "counted_version": None,
    }


def after_writing(
    row: Row, cells: Cells, key: str, *, register: Register, actor: Actor, now: WritingTime
) -> Row:
    """Return a row after the actor has written `cells` into it.

    A correction of what was confirmed is its writer's alone; a draft's authors are all who wrote.
    """
    before = authors_of(row) if row["state"] == "draft" else Authors()
    after = {
        **row,
        "cells": dict(cells),
        "key": key,
        "state": "draft",
        "reason": None,
        "authors": authors_kept(before.with_(actor)),
        "updated_at": now.instant,
        "version": row["version"] + 1,
    }
    return after if register.review else _confirmed(after, register, now.today)


def taken_over(row: Row, *, now: datetime) -> Row:
    """Return a row that only went over to another unit, with all that it says and its state."""
    return {**row, "updated_at": now, "version": row["version"] + 1}


def with_files(
    row: Row, files: Sequence[Piece], *, register: Register, actor: Actor, now: WritingTime
) -> Row:
    """Return a row after the actor had it rest upon other files; it wrote part of the row then."""
    after = {**row, "files": [dict(one) for one in files] or None}
    return after_writing(after, row["cells"], row["key"], register=register, actor=actor, now=now)


def _confirmed(row: Row, register: Register, today: date) -> Row:
    first, last = validity(register, row["cells"])
    return {
        **row,
        "state": "confirmed",
        "counted": row["cells"],
        "valid_from": first,
        "valid_to": last,
        "counted_version": row["version"],
        "files": all_kept(row["files"]),
        **deadlines(register, row, today),
    }


def after_verb(
    row: Row,
    verb: RowVerb,
    *,
    register: Register,
    reason: str | None,
    ended_on: date | None,
    now: WritingTime,
) -> Row:
    """Return a row after a verb that its state allows.

    To withdraw a correction leaves what was confirmed before, and the files that it was with: what
    came since is nobody's work to confirm, for its authors are told no more.
    """
    after = {**row, "reason": reason, "updated_at": now.instant, "version": row["version"] + 1}
    if verb == "confirm":
        return _confirmed(after, register, now.today)
    if verb in ENDS:
        return {
            **after,
            "state": ENDS[verb],
            "cells": row["counted"],
            "ended_on": ended_on,
            "files": all_kept(row["files"]),
        }
    if row["counted"] is None:
        return {**after, "state": "withdrawn"}
    kept = [dict(one) for one in pieces_of(row["files"]) if one["kept"]]
    return {**after, "state": "confirmed", "cells": row["counted"], "files": kept or None}


def image_of(row: Row) -> dict[str, object]:
    """Return what history keeps of a row after a change."""
    days = {
        name: None if row[name] is None else row[name].isoformat()
        for name in ("valid_from", "valid_to", "ended_on")
    }
    return {
        "plan": row["plan_code"],
        "register": row["register_code"],
        "organization_code": row["organization_code"],
        "state": row["state"],
        "values": row["cells"],
        "counts": row["counted"] is not None and row["state"] in STANDING,
        **days,
        # Its files, with the digests; absent where there are none.
        **({"files": row["files"]} if row["files"] else {}),
    }


def event_data(row: Row) -> dict[str, object]:
    """Return what the event of a change says of a row."""
    return {
        "register_code": row["register_code"],
        "organization_code": row["organization_code"],
        "state": row["state"],
        "version": row["version"],
        **({"reason": row["reason"]} if row["reason"] else {}),
    }

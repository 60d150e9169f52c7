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
"""The verbs of those who keep the register. The others are for reviewers."""

STANDING: frozenset[RowState] = frozenset({"draft", "confirmed"})
"""The states in which a row holds its key."""

MOST_ROWS = 5000
"""The most rows of one call."""

ENDS: Mapping[RowVerb, RowEnd] = {"end": "ended", "revoke": "revoked"}
"""The verbs that end a row, with the state after each."""

ACTIONS: Mapping[RowVerb, str] = {
    "edit": "changed",
    "confirm": "confirmed",
    "end": "ended",
    "revoke": "revoked",
    "withdraw": "withdrawn",
}
"""The name of each verb in history and events."""

Row = Mapping[str, Any]
"""The columns of a row by name."""


@dataclass(frozen=True, slots=True)
class WritingTime:
    """The time of a change: the instant, and the local day."""

    instant: datetime
    today: date


@dataclass(frozen=True, slots=True)
class RowDraft:
    """An incoming row to be written; with `faults` its shape is invalid.

    `index` counts from 0. `untouched` are the columns whose cells came back as they were exported:
    they change nothing, and are not in `said`. `row_id` is the id that a device gave its new row.
    """

    index: int
    organization_code: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    untouched: frozenset[str] = frozenset()
    row_id: UUID | None = None


def register_in(plan: PlanState, code: str) -> Register:
    """Return the register with this code.

    Raises:
        RegisterNotFound: the plan has none.
    """
    found = plan.registers.get(code)
    if found is None:
        raise RegisterNotFound
    return found


def keeps(actor: Actor, register: Register, organization_code: str) -> bool:
    """Return whether the actor reports for a unit and the unit keeps the register."""
    return not keeps_no_more(register, organization_code) and writes_for(actor, organization_code)


def keeps_no_more(register: Register, organization_code: str) -> bool:
    """Return whether a unit is not among a register's keepers, even if it still has rows there."""
    return bool(register.keepers) and organization_code not in register.keepers


def writes_row(actor: Actor, register: Register, organization_code: str) -> bool:
    """Return whether the actor may change an existing row of a unit.

    Those who keep it may; if the unit no longer keeps the register, whoever reports for any unit.
    """
    if keeps_no_more(register, organization_code):
        return writes_for(actor, organization_code) and actor.may(Permission.REPORT_FOR_ANY_UNIT)
    return keeps(actor, register, organization_code)


def confirms(actor: Actor, register: Register) -> bool:
    """Return whether the actor reviews rows: the office, or a unit that leads the register."""
    return reviews(actor, register.leads)


def keeper_faults(register: Register, organization_code: str, plan: PlanState) -> list[Fault]:
    """Return the faults of the unit that a row is to belong to."""
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
    """Return the authors of the unconfirmed contents of a row."""
    return authors_read(row["authors"])


def has_right(actor: Actor, verb: RowVerb, row: Row, register: Register) -> bool:
    """Return whether the actor has the right to a verb, in any state.

    Nobody confirms what they, or another key of their unit, wrote.
    """
    if verb in WRITING_VERBS:
        return writes_row(actor, register, row["organization_code"])
    if not confirms(actor, register):
        return False
    return verb != "confirm" or not authors_of(row).include(actor)


def state_allows(verb: RowVerb, row: Row, register: Register) -> bool:
    """Return whether the state of a row allows a verb, for any actor.

    Confirmed contents count while their correction is a draft, and may be ended then too.
    """
    if verb in ENDS:
        counts = row["state"] in STANDING and row["counted"] is not None
        return counts and ENDS[verb] in register.ends
    if verb == "edit":
        return row["state"] in STANDING
    return bool(row["state"] == "draft")


def allowed_actions(actor: Actor, row: Row, register: Register | None) -> list[RowVerb]:
    """Return the verbs that this actor may use on this row now; none without a register."""
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
    """Return an empty row, to be filled by `after_writing`."""
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

    The only author of a correction of confirmed contents is its writer; a draft keeps all its
    authors.
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
    """Return a row after its transfer to another unit, with the same contents and state."""
    return {**row, "updated_at": now, "version": row["version"] + 1}


def with_files(
    row: Row, files: Sequence[Piece], *, register: Register, actor: Actor, now: WritingTime
) -> Row:
    """Return a row after the actor replaced its files, which makes the actor an author."""
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

    Withdrawing a correction restores the confirmed contents with their files. Files added since are
    dropped, because their authors are no longer recorded and so nobody could confirm them.
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
    """Return what history stores of a row after a change."""
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
        # Its files, with the digests; absent if there are none.
        **({"files": row["files"]} if row["files"] else {}),
    }


def event_data(row: Row) -> dict[str, object]:
    """Return the data of a row in the event of a change."""
    return {
        "register_code": row["register_code"],
        "organization_code": row["organization_code"],
        "state": row["state"],
        "version": row["version"],
        **({"reason": row["reason"]} if row["reason"] else {}),
    }

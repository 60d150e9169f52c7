"""Writes rows of registers, one or thousands at once. Commands on one row are in `lifecycle`.

Each change writes the row, its history and its event in the caller's transaction. The number of
statements of a call does not grow with the number of rows.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.kit.database import lock_name, rows_changed
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.faults import echo
from services.core.kit.ids import new_id
from services.core.kit.nearest import MOST_COMPARED
from services.core.kit.text import Text
from services.core.kit.trail import note_events, present_traceparent
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.registers import queries
from services.core.registers.errors import RegisterRowExists
from services.core.registers.judging import NO_UNIT, CellJudging, Cells, judged_cells, key_of
from services.core.registers.rules import (
    RegisterOutcome,
    Row,
    RowDraft,
    WritingTime,
    after_writing,
    confirms,
    event_data,
    image_of,
    keeper_faults,
    keeps,
    keeps_no_more,
    new_row,
    taken_over,
    writes_row,
)
from services.core.registers.statements import REMEMBER, WRITE
from services.core.submissions.errors import BatchContended


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """The result of writing one row.

    `row` is the row afterwards, if there is one; `before` its state before.
    """

    index: int
    outcome: RegisterOutcome
    row: Row | None
    faults: tuple[Fault, ...] = ()
    before: Row | None = None


@dataclass(frozen=True, slots=True)
class RegisterDesk:
    """The context of a change: the register by the plan in force, the actor and the time."""

    plan: PlanState
    register: Register
    actor: Actor
    now: datetime

    @property
    def time(self) -> WritingTime:
        """The time of the change."""
        return WritingTime(self.now, self.today)

    @property
    def today(self) -> date:
        """The local day."""
        return self.plan.local_date(self.now)


async def write_rows(
    session: AsyncSession, drafts: Sequence[RowDraft], desk: RegisterDesk
) -> list[WrittenRow]:
    """Write rows by their keys: existing rows are changed, others are created.

    A column that is not given stays as it is, and null empties it. Every fault of every row is
    reported, and rows without faults are written.
    """
    decided = await _decide(session, drafts, desk, locked=True)
    await write(
        session,
        [
            RowDeed(one.row, "created" if one.outcome == "created" else "changed")
            for one in decided
            if one.row is not None and one.outcome in {"created", "updated"}
        ],
        desk,
    )
    return decided


async def foresee_rows(
    session: AsyncSession, drafts: Sequence[RowDraft], desk: RegisterDesk
) -> list[WrittenRow]:
    """Return the results that `write_rows` would have now; writes nothing and takes no locks."""
    return await _decide(session, drafts, desk, locked=False)


async def _decide(
    session: AsyncSession, drafts: Sequence[RowDraft], desk: RegisterDesk, *, locked: bool
) -> list[WrittenRow]:
    alone = len(drafts) == 1
    judged = await asyncio.to_thread(_judged, drafts, desk, hints=alone)
    found: Mapping[str, Row] = {}
    if keys := [one.key for one in judged if one.key]:
        if locked:
            await hold(session, desk)
        place = (desk.plan.city_code, desk.plan.code, desk.register.code)
        found = await queries.standing(session, *place, keys, locked=locked)
    return await asyncio.to_thread(
        lambda: [_decided(one, found, desk, hints=alone) for one in judged]
    )


async def add_row(session: AsyncSession, draft: RowDraft, desk: RegisterDesk) -> Row:
    """Write a new row and return it.

    Raises:
        InvalidInput: the row has faults.
        RegisterRowExists: a row with its key exists.
    """
    (judged,) = _judged([draft], desk, hints=True)
    if judged.faults or judged.key is None:
        raise InvalidInput(faults=judged.faults)
    await hold(session, desk)
    place = (desk.plan.city_code, desk.plan.code, desk.register.code)
    found = await queries.standing(session, *place, [judged.key])
    if found:
        (row,) = found.values()
        raise key_taken(row, desk)
    decided = _decided(judged, {}, desk, hints=True)
    if decided.row is None or decided.faults:
        raise InvalidInput(faults=decided.faults)
    await write(session, [RowDeed(decided.row, "created")], desk)
    return decided.row


def drawn_up(draft: RowDraft, desk: RegisterDesk) -> Row:
    """Return a new row as it would be written, whether or not one with its key exists.

    Raises:
        InvalidInput: the row has faults.
    """
    (judged,) = _judged([draft], desk, hints=True)
    decided = _decided(judged, {}, desk, hints=True)
    if decided.row is None or decided.faults:
        raise InvalidInput(faults=decided.faults)
    return decided.row


def key_taken(row: Row, desk: RegisterDesk) -> RegisterRowExists:
    """Return the refusal of a row whose key an existing row holds."""
    own = writes_row(desk.actor, desk.register, row["organization_code"])
    seen = own or confirms(desk.actor, desk.register)
    return RegisterRowExists(extra={"row_id": str(row["id"])} if seen else {})


async def hold(session: AsyncSession, desk: RegisterDesk) -> None:
    """Lock the creation of rows in this register, so that a free key stays free."""
    plan = desk.plan
    await lock_name(session, name_of(plan.city_code, plan.code, desk.register.code))


def name_of(city_code: str, plan_code: str, register_code: str) -> str:
    """Return the name of the lock that is held while a register gets rows, or another key."""
    return f"register {city_code} {plan_code} {register_code}"


@dataclass(frozen=True, slots=True)
class _Judged:
    draft: RowDraft
    key: str | None
    """Null: it cannot be determined."""

    faults: tuple[Fault, ...]


def _judged(drafts: Sequence[RowDraft], desk: RegisterDesk, *, hints: bool) -> list[_Judged]:
    """Return the faults of each row by itself and among the others; cells are validated later."""
    judged = []
    cell_desk = CellJudging(desk.plan, hints=hints)
    together: dict[str, list[int]] = defaultdict(list)
    units: dict[str, list[Fault]] = {}
    only_key = desk.register.model_copy(update={"columns": _key_columns(desk.register)})
    for draft in drafts:
        faults = list(draft.faults)
        if draft.organization_code:
            faults += _of_unit(draft.organization_code, desk, units)
        said = {code: draft.said[code] for code in desk.register.key if code in draft.said}
        keyed = judged_cells(only_key, said, cell_desk)
        key = None if keyed.faults else key_of(desk.register, keyed.cells)
        if key is None:
            # The existing row is unknown, so the row is validated as a new one.
            faults += _beside(draft, judged_cells(desk.register, draft.said, cell_desk).faults)
        else:
            together[key].append(draft.index)
        judged.append(_Judged(draft, key, tuple(faults)))
    return [
        replace(one, faults=(*one.faults, _twice(together[one.key])))
        if one.key is not None and len(together[one.key]) > 1
        else one
        for one in judged
    ]


def _beside(draft: RowDraft, faults: Sequence[Fault]) -> list[Fault]:
    """Return the faults of cells, except where the draft already has a fault of shape."""
    wrong = {fault.pointer for fault in draft.faults}
    return [fault for fault in faults if fault.pointer not in wrong]


def _of_unit(code: str, desk: RegisterDesk, known: dict[str, list[Fault]]) -> list[Fault]:
    """Return the faults of a row's unit; `known` caches them by unit.

    Only the first few unknown units get suggestions of similar ones, because that is slow.
    """
    if code not in known:
        if len(known) >= MOST_COMPARED and code not in desk.plan.organizations:
            return [Fault("/organization_code", "unknown-organization", NO_UNIT, echo(code))]
        found = keeper_faults(desk.register, code, desk.plan)
        if not found and not keeps(desk.actor, desk.register, code):
            found = [_NOT_YOURS]
        known[code] = found
    return known[code]


def _key_columns(register: Register) -> tuple[Any, ...]:
    return tuple(one for one in register.columns if one.code in register.key)


def _twice(rows: Sequence[int]) -> Fault:
    words = Text(
        f"相同主键在本批出现多次：第 {'、'.join(map(str, rows[:20]))} 行",
        f"The same key stands in rows {', '.join(map(str, rows[:20]))}",
    )
    return Fault("/values", "duplicate-row", words)


_NOT_YOURS = Fault(
    "/organization_code",
    "not-your-organization",
    Text("只能填写本单位的行", "Only rows of your own unit are yours to write"),
)
_ANOTHERS = Fault(
    "/organization_code",
    "row-of-another-unit",
    Text("相同主键的行属于另一单位", "The row with this key is another unit's"),
)

_LEFT_BEHIND = Fault(
    "/organization_code",
    "row-of-another-unit",
    Text(
        "相同主键的行属于已不再填报该台账的单位：请由 office 在批量填报时写明新单位，将其移交",
        "The row with this key is of a unit that keeps the register no more: the office hands it"
        " over by a batch that names another",
    ),
)


def _decided(
    one: _Judged, found: Mapping[str, Row], desk: RegisterDesk, *, hints: bool
) -> WrittenRow:
    draft, register = one.draft, desk.register
    if one.key is None:
        return WrittenRow(draft.index, "rejected", None, one.faults)
    before = found.get(one.key)
    if before is None and draft.untouched and not one.faults:
        return _of_one_gone(draft, register)
    present: Cells | None = None if before is None else before["cells"]
    cells = judged_cells(register, draft.said, CellJudging(desk.plan, hints=hints), present)
    faults = [*one.faults, *_beside(draft, cells.faults)]
    standing = before
    if before is not None and before["organization_code"] != draft.organization_code:
        faults += _of_another(before, desk)
        standing = {**before, "organization_code": draft.organization_code}
    if faults:
        return WrittenRow(draft.index, "rejected", None, tuple(faults))
    if standing is not None and standing["cells"] == cells.cells:
        if standing is before:
            return WrittenRow(draft.index, "unchanged", before, before=before)
        moved = taken_over(standing, now=desk.now)
        return WrittenRow(draft.index, "updated", moved, before=before)
    row = standing or new_row(
        desk.plan, register, draft.organization_code, row_id=draft.row_id or new_id(), now=desk.now
    )
    row = after_writing(
        row, cells.cells, one.key, register=register, actor=desk.actor, now=desk.time
    )
    outcome: RegisterOutcome = "created" if before is None else "updated"
    return WrittenRow(draft.index, outcome, row, before=before)


def _of_another(row: Row, desk: RegisterDesk) -> list[Fault]:
    """Return what prevents a row's transfer: it is allowed only if its unit no longer keeps it."""
    unit = row["organization_code"]
    if not keeps_no_more(desk.register, unit):
        return [_ANOTHERS]
    return [] if writes_row(desk.actor, desk.register, unit) else [_LEFT_BEHIND]


def _of_one_gone(draft: RowDraft, register: Register) -> WrittenRow:
    """Return the result for a row of a form whose row has ceased to exist since the export.

    If nobody touched it, it is unchanged.
    """
    if draft.said.keys() <= set(register.key):
        return WrittenRow(draft.index, "unchanged", None)
    told = [
        Fault(f"/values/{one.code}", "changed-since-made", _GONE_SINCE)
        for one in register.columns
        if one.code in draft.untouched
    ]
    return WrittenRow(draft.index, "rejected", None, tuple(told))


_GONE_SINCE = Text(
    "表格下载后，该行已撤回或已终止，而此格仍是下载时的内容：不再需要的，请删去整行；要重新填报的，请在下方另起一行填写",
    "The row was taken back or ended after the form was made, and this cell is as it was made:"
    " delete the row, or write it anew in a row below",
)

_ARRAYS = (
    *("id", "key", "organization_code", "state", "cells", "counted", "valid_from", "valid_to"),
    *("ended_on", "reason", "authors", "files", "renew_by", "renewed_as", "recheck_by", "title"),
    *("created_at", "updated_at", "version", "counted_version"),
)
_AS_JSON = frozenset({"cells", "counted", "authors", "files"})


@dataclass(frozen=True, slots=True)
class RowDeed:
    """A changed row to write, and the action; `told` is further data of the event `event`.

    Without `event`, the type is `register_row.` and the action.
    """

    row: Row
    action: str
    event: str | None = None
    told: Mapping[str, object] = field(default_factory=dict)


async def write(session: AsyncSession, made: Sequence[RowDeed], desk: RegisterDesk) -> None:
    """Write changed rows, with history and event of each change, in two statements.

    Several changes of one row are in order.

    Raises:
        BatchContended: another row has just taken an id that a device gave.
    """
    if not made:
        return
    plan = desk.plan
    shared = {"city": plan.city_code, "plan": plan.code}
    arrays, remembered = await asyncio.to_thread(_arrays, made)
    written = {**shared, "register": desk.register.code, **arrays}
    if await rows_changed(session, WRITE, written) != len(arrays["id"]):
        raise BatchContended
    told = {
        "actor": to_json(desk.actor.stamp()).decode(),
        "now": desk.now,
        "traceparent": present_traceparent(),
    }
    await session.execute(REMEMBER, {**shared, **told, **remembered})
    note_events(remembered["event_id"])


def _arrays(made: Sequence[RowDeed]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the array parameters of `WRITE` and `REMEMBER`."""
    rows = [one.row for one in made]
    last = {row["id"]: row for row in rows}.values()
    arrays = {name: [row[name] for row in last] for name in _ARRAYS}
    for name in _AS_JSON:
        arrays[name] = [None if one is None else to_json(one).decode() for one in arrays[name]]
    told = ("id", "version", "organization_code", "reason")
    kept = {name: [row[name] for row in rows] for name in told}
    remembered = {
        **kept,
        "action": [one.action for one in made],
        "image": [to_json(image_of(row)).decode() for row in rows],
        "event_id": [new_id() for _ in rows],
        "event_type": [one.event or f"register_row.{one.action}" for one in made],
        "event_data": [to_json({**event_data(one.row), **one.told}).decode() for one in made],
    }
    return arrays, remembered

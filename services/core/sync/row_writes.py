"""Writes of devices on rows of registers: new rows, and what was changed of others.

A change is merged by column with what others changed since the version that the device saw. Only
where both changed the same column it is a conflict. All writes of a call take a constant number of
statements for each register that they touch.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.rules import add_said, merge
from services.core.conflicts.service import raise_conflicts
from services.core.identity.actor import Actor
from services.core.kit.errors import DomainError, InvalidInput
from services.core.kit.ids import new_id
from services.core.plan.state import PlanState
from services.core.registers import queries as row_queries
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.subject import OVER_ROWS
from services.core.registers.deadlines import title_of
from services.core.registers.errors import RegisterRowExists, RegisterRowNotFound
from services.core.registers.judging import CellDesk, Cells, judged_cells, read_cells
from services.core.registers.lifecycle import check_row_right, check_row_state
from services.core.registers.rules import STANDING, Row, RowDraft, after_writing, register_in
from services.core.registers.service import (
    RegisterDesk,
    RowDeed,
    drawn_up,
    hold,
    key_taken,
    write,
)
from services.core.sync import queries
from services.core.sync.writes import (
    BaseVersionUnknown,
    Write,
    WriteOutcome,
    WriteResult,
    was_taken,
)

RowKey = tuple[str, str]
"""A register, and the key of a row in it."""


@dataclass(slots=True)
class _KnownRows:
    """What the ledger says, locked until the transaction ends, and what it said before.

    `rows` are those that the caller sees, by id; `standing` those that hold a key of a new row,
    seen or not; `taken_ids` those of new rows that the city has; `bases` what some said at a
    version.
    """

    rows: dict[UUID, Row]
    standing: dict[RowKey, Row]
    taken_ids: frozenset[UUID]
    bases: dict[tuple[UUID, int], Cells]


async def take_row_writes(
    session: AsyncSession,
    writes: Sequence[Write],
    *,
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
    desk: tuple[PlanState, Actor, datetime],
) -> dict[UUID, WriteResult]:
    """Take in the `fresh` writes on rows, in their order; return what became of each.

    The others were taken in `before`: the device went on from them. `desk` are the plan in force,
    the caller and the time.

    Raises:
        BatchContended: an id was taken by another row a moment ago; the call may be sent again.
    """
    if not any(one.id in fresh for one in writes):
        return {}
    plan, actor, now = desk
    taking = _RowWrites(plan, actor, now)
    await asyncio.to_thread(taking.draw_up, [one for one in writes if one.id in fresh])
    taking.known = await _known(session, taking, writes, before)
    results = await asyncio.to_thread(_decide, taking, writes, fresh, before)
    for code, deeds in taking.deeds().items():
        await write(session, deeds, taking.desk(code))
    await raise_conflicts(session, OVER_ROWS, list(taking.conflicts.values()))
    return results


async def _known(
    session: AsyncSession,
    taking: "_RowWrites",
    writes: Sequence[Write],
    before: Mapping[UUID, Mapping[str, Any]],
) -> _KnownRows:
    plan, actor = taking.plan, taking.actor
    standing: dict[RowKey, Row] = {}
    for code, keys in sorted(taking.keys().items()):
        # In one order, so that no two calls wait for each other.
        await hold(session, taking.desk(code))
        place = (plan.city_code, plan.code, code)
        found = await row_queries.standing(session, *place, keys, held=False)
        standing |= {(code, key): row for key, row in found.items()}
    named = {one.subject_id for one in writes} | {row["id"] for row in standing.values()}
    named |= {UUID(before[one.id]["result"]["subject_id"]) for one in writes if one.id in before}
    rows = await row_queries.locked(session, actor, plan.code, sorted(named))
    versions = {
        (one.subject_id, one.base_version)
        for one in writes
        if one.base_version is not None and one.subject_id in rows
    }
    made = [one.subject_id for one in writes if one.kind == "register_row.create"]
    now = {key: rows.get(row["id"], row) for key, row in standing.items()}
    return _KnownRows(
        rows=rows,
        # As they stand now that they are locked: what was taken back meanwhile does no more.
        standing={key: row for key, row in now.items() if row["state"] in STANDING},
        taken_ids=await row_queries.taken_ids(session, plan.city_code, made),
        bases={
            **await queries.rows_as_of(session, plan.city_code, versions),
            **{(row["id"], row["version"]): row["cells"] for row in rows.values()},
        },
    )


def _decide(
    taking: "_RowWrites",
    writes: Sequence[Write],
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
) -> dict[UUID, WriteResult]:
    results = {}
    for one in writes:
        if one.id in fresh:
            results[one.id] = taking.result(one)
            continue
        earlier = before[one.id]
        if was_taken(one, earlier):
            taking.note_earlier(one, UUID(earlier["result"]["subject_id"]))
    return results


@dataclass(slots=True)
class _RowWrites:
    """Decides writes one after another; what is to be written is in `deeds` and `conflicts`."""

    plan: PlanState
    actor: Actor
    now: datetime
    known: _KnownRows = field(init=False)
    conflicts: dict[UUID, RegisterRowConflict] = field(default_factory=dict)
    _new: dict[UUID, Row | DomainError] = field(default_factory=dict)
    _deeds: list[RowDeed] = field(default_factory=list)
    _seen: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _made: set[UUID] = field(default_factory=set)
    _same_as: dict[UUID, UUID] = field(default_factory=dict)

    def desk(self, register_code: str) -> RegisterDesk:
        """Return by what rows of a register are judged.

        Raises:
            RegisterNotFound: the plan has none of this code, or has it no longer.
        """
        register = register_in(self.plan, register_code)
        return RegisterDesk(self.plan, register, self.actor, self.now)

    def draw_up(self, writes: Iterable[Write]) -> None:
        """Judge new rows by themselves, by which their keys are known."""
        for one in writes:
            if one.kind == "register_row.create" and not one.faults:
                self._new[one.id] = self._drawn_up(one)

    def _drawn_up(self, write: Write) -> Row | DomainError:
        register_code, unit = write.place
        draft = RowDraft(0, unit, write.said, row_id=write.subject_id)
        try:
            return drawn_up(draft, self.desk(register_code))
        except DomainError as refused:
            return refused

    def keys(self) -> dict[str, list[str]]:
        """Return the keys of new rows by register."""
        found: dict[str, list[str]] = {}
        for one in self._new.values():
            if not isinstance(one, DomainError):
                found.setdefault(one["register_code"], []).append(one["key"])
        return found

    def deeds(self) -> dict[str, list[RowDeed]]:
        """Return what is to be written by register, in the order in which it came about."""
        found: dict[str, list[RowDeed]] = {}
        for one in self._deeds:
            found.setdefault(one.row["register_code"], []).append(one)
        return found

    def result(self, write: Write) -> WriteResult:
        """Return what becomes of a write."""
        try:
            if write.faults:
                raise InvalidInput(faults=write.faults)
            if write.kind == "register_row.create":
                return self._create(write)
            return self._edit(write)
        except DomainError as refused:
            return WriteResult(write, "refused", write.subject_id, refusal=refused)

    def note_earlier(self, write: Write, subject_id: UUID) -> None:
        """Remember a write that was taken in before: the device went on from it."""
        row = self.known.rows.get(subject_id)
        if write.kind == "register_row.create":
            self._same_as[write.subject_id] = subject_id
            self._made.add(subject_id)
        if row is None or row["register_code"] not in self.plan.registers:
            return
        read, _ = self._read(write, self.desk(row["register_code"]))
        self._seen.setdefault(subject_id, {}).update(read)

    def _create(self, write: Write) -> WriteResult:
        row = self._new[write.id]
        if isinstance(row, DomainError):
            raise row
        desk, place = self.desk(row["register_code"]), (row["register_code"], row["key"])
        present = self.known.standing.get(place)
        if present is not None:
            same = present["cells"] == row["cells"]
            if not same or present["organization_code"] != row["organization_code"]:
                raise key_taken(present, desk)
            self._same_as[write.subject_id] = present["id"]
            self._made.add(present["id"])
            self._seen[present["id"]] = dict(row["cells"])
            return WriteResult(write, "unchanged", present["id"], present["version"])
        if write.subject_id in self.known.taken_ids or write.subject_id in self.known.rows:
            raise RegisterRowExists(extra={"row_id": str(write.subject_id)})
        self._note(row, "created")
        self.known.standing[place] = row
        self._made.add(row["id"])
        self._seen[row["id"]] = dict(row["cells"])
        return WriteResult(write, "applied", row["id"], row["version"])

    def _edit(self, write: Write) -> WriteResult:
        row = self.known.rows.get(self._same_as.get(write.subject_id, write.subject_id))
        if row is None:
            raise RegisterRowNotFound
        desk = self.desk(row["register_code"])
        check_row_right(self.actor, "edit", row, desk.register)
        wanted, faults = self._read(write, desk)
        if faults:
            raise InvalidInput(faults=faults)
        base = self._base(write, row)
        result = self._merged(write, row, desk, base, wanted)
        # What was refused was never taken: a later write that mends it stands against nothing.
        self._seen[row["id"]] = {**self._seen.get(row["id"], {}), **wanted}
        return result

    def _merged(
        self, write: Write, row: Row, desk: RegisterDesk, base: Cells, wanted: Mapping[str, Any]
    ) -> WriteResult:
        waiting = self.conflicts.get(row["id"])
        # A column that is in conflict already stays in it; the others are merged as ever.
        kept = () if waiting is None else tuple(one for one in wanted if one in waiting.columns)
        others = dict(base) != row["cells"]
        merged = merge(base, row["cells"], {one: wanted[one] for one in wanted if one not in kept})
        disputed = (*kept, *merged.disputed)
        if not merged.free and not disputed:
            return WriteResult(write, "unchanged", row["id"], row["version"])
        check_row_state(row, "edit", desk)
        if merged.free:
            row = self._written(row, merged.free, desk)
        if not disputed:
            outcome: WriteOutcome = "merged" if others else "applied"
            return WriteResult(write, outcome, row["id"], row["version"])
        if waiting is None:
            waiting = self.conflicts[row["id"]] = self._conflict(row, desk)
        add_said(
            waiting,
            base=_shown(base, disputed),
            ledger=_shown(row["cells"], disputed),
            device=_shown(wanted, disputed),
            claimed_at=write.claimed_at,
        )
        waiting.columns = list(dict.fromkeys((*waiting.columns, *disputed)))
        return WriteResult(write, "conflict", row["id"], row["version"], conflict_id=waiting.id)

    def _written(self, row: Row, said: Mapping[str, Any], desk: RegisterDesk) -> Row:
        judged = judged_cells(desk.register, said, CellDesk(self.plan), row["cells"])
        if judged.faults:
            raise InvalidInput(faults=judged.faults)
        after = after_writing(
            row,
            judged.cells,
            row["key"],
            register=desk.register,
            actor=self.actor,
            now=desk.time,
        )
        return self._note(after, "changed")

    def _read(self, write: Write, desk: RegisterDesk) -> tuple[dict[str, Any], list[Any]]:
        return read_cells(desk.register, write.said, CellDesk(self.plan))

    def _base(self, write: Write, row: Row) -> Cells:
        """Return what the device saw before this write: a version, and its own writes since.

        Raises:
            BaseVersionUnknown: the row never had the version, or none is named and the device did
                not make it in this call.
        """
        seen, version = self._seen.get(row["id"], {}), write.base_version
        base: Cells | None = {} if row["id"] in self._made else None
        if version is not None:
            base = self.known.bases.get((row["id"], version))
        if base is None:
            raise BaseVersionUnknown(extra={"version": row["version"]})
        return {code: one for code, one in {**base, **seen}.items() if one is not None}

    def _conflict(self, row: Row, desk: RegisterDesk) -> RegisterRowConflict:
        return RegisterRowConflict(
            city_code=row["city_code"],
            id=new_id(),
            plan_code=row["plan_code"],
            register_code=row["register_code"],
            row_id=row["id"],
            organization_code=row["organization_code"],
            title=title_of(desk.register, row["cells"]),
            columns=[],
            base={},
            ledger={},
            device={},
            raised_by=self.actor.stamp(),
            raised_at=self.now,
            state="open",
            version=1,
        )

    def _note(self, row: Row, action: str) -> Row:
        self._deeds.append(RowDeed(row, action))
        self.known.rows[row["id"]] = row
        self.known.bases[row["id"], row["version"]] = row["cells"]
        key = (row["register_code"], row["key"])
        if key in self.known.standing:
            self.known.standing[key] = row
        return row


def _shown(cells: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return what some columns say; null: nothing."""
    return {code: cells.get(code) for code in columns}

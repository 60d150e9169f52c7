"""Decides the outcome of each write on rows of registers, given the ledger's state. Pure.

Writes are decided in the order of the call, each after the ones before it. A change is merged by
column with others' changes since the version that the device saw; it is a conflict only where both
changed the same column. A draft can be taken back only as the device saw it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.core.conflicts.rules import add_said, merge
from services.core.identity.actor import Actor
from services.core.kit.errors import DomainError, InvalidInput, Stale
from services.core.kit.ids import new_id
from services.core.plan.evidence_rules import Piece, pieces_of
from services.core.plan.state import PlanState
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.deadlines import title_of
from services.core.registers.errors import RegisterRowExists, RegisterRowNotFound
from services.core.registers.judging import CellJudging, Cells, judged_cells, read_cells
from services.core.registers.lifecycle import check_row_right, check_row_state
from services.core.registers.rules import (
    ACTIONS,
    STANDING,
    Row,
    RowDraft,
    RowVerb,
    after_verb,
    after_writing,
    register_in,
)
from services.core.registers.service import RegisterDesk, RowDeed, drawn_up, key_taken
from services.core.registers.totals import reason_faults
from services.core.sync.writes import (
    BaseVersionUnknown,
    ConflictWaits,
    Write,
    WriteOutcome,
    WriteResult,
)

RowKey = tuple[str, str]
"""A register, and the key of a row in it."""


@dataclass(slots=True)
class KnownRows:
    """The ledger's present state, locked until the transaction ends, and its earlier versions.

    `rows` are those that the caller sees, by id; `standing` those that hold a key of a new row,
    visible or not; `taken_ids` are ids of new rows that the city already has; `bases` are the cells
    of some versions, and `files` the ids of their files.
    """

    rows: dict[UUID, Row]
    standing: dict[RowKey, Row]
    taken_ids: frozenset[UUID]
    bases: dict[tuple[UUID, int], Cells]
    files: dict[tuple[UUID, int], frozenset[str]]


@dataclass(slots=True)
class RowWrites:
    """Decides writes one after another; `deeds` and `conflicts` are to be written.

    `taken_back` are the rows whose draft was taken back, each with its former files.
    """

    plan: PlanState
    actor: Actor
    now: datetime
    known: KnownRows = field(init=False)
    conflicts: dict[UUID, RegisterRowConflict] = field(default_factory=dict)
    taken_back: list[tuple[list[Piece], Row]] = field(default_factory=list)
    _new: dict[UUID, Row | DomainError] = field(default_factory=dict)
    _deeds: list[RowDeed] = field(default_factory=list)
    _seen: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _made: set[UUID] = field(default_factory=set)
    _same_as: dict[UUID, UUID] = field(default_factory=dict)

    def desk(self, register_code: str) -> RegisterDesk:
        """Return the context in which rows of a register are judged.

        Raises:
            RegisterNotFound: the plan has none with this code, or no longer.
        """
        register = register_in(self.plan, register_code)
        return RegisterDesk(self.plan, register, self.actor, self.now)

    def draw_up(self, writes: Iterable[Write]) -> None:
        """Judge new rows without the ledger, to learn their keys."""
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
        """Return the changes to write by register, in the order in which they were made."""
        found: dict[str, list[RowDeed]] = {}
        for one in self._deeds:
            found.setdefault(one.row["register_code"], []).append(one)
        return found

    def result(self, write: Write) -> WriteResult:
        """Decide a write, and return its result."""
        try:
            if write.faults:
                raise InvalidInput(faults=write.faults)
            match write.kind:
                case "register_row.create":
                    return self._create(write)
                case "register_row.edit":
                    return self._edit(write)
                case _:
                    return self._withdraw(write)
        except DomainError as refused:
            return WriteResult(write, "refused", write.subject_id, refusal=refused)

    def note_earlier(self, write: Write, result: Mapping[str, Any]) -> None:
        """Remember an earlier write's result, because the device continued from it."""
        subject_id = UUID(result["subject_id"])
        row = self.known.rows.get(subject_id)
        if write.kind == "register_row.create":
            self._same_as[write.subject_id] = subject_id
            self._made.add(subject_id)
        if row is None or row["register_code"] not in self.plan.registers:
            return
        if write.kind == "register_row.withdraw":
            left = self.known.bases.get((subject_id, result["version"]), {})
            self._seen[subject_id] = self._whole(left, row)
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
        self._same_as.pop(row["id"], None)  # the row that it was mapped to left the place
        self._made.add(row["id"])
        self._seen[row["id"]] = dict(row["cells"])
        return WriteResult(write, "applied", row["id"], row["version"])

    def _edit(self, write: Write) -> WriteResult:
        row, desk = self._present(write, "edit")
        wanted, faults = self._read(write, desk)
        if faults:
            raise InvalidInput(faults=faults)
        base = self._base(write, row)
        result = self._merged(write, row, desk, base, wanted)
        # Only after the merge: a refused write must not count as seen, so that a later write can
        # correct it.
        self._seen[row["id"]] = {**self._seen.get(row["id"], {}), **wanted}
        return result

    def _withdraw(self, write: Write) -> WriteResult:
        row, desk = self._present(write, "withdraw")
        if row["id"] in self.conflicts:
            raise ConflictWaits
        seen = self._base(write, row), self._files_seen(write, row)
        if seen != (row["cells"], piece_ids(row["files"])):
            raise Stale(extra={"version": row["version"]})
        if faults := reason_faults(desk.register, write.reason):
            raise InvalidInput(faults=faults)
        check_row_state(row, "withdraw", desk)
        after = after_verb(
            row,
            "withdraw",
            register=desk.register,
            reason=write.reason,
            ended_on=None,
            now=desk.time,
        )
        self.taken_back.append((pieces_of(row["files"]), after))
        self._note(after, ACTIONS["withdraw"])
        self._seen[row["id"]] = self._whole(after["cells"], row)
        return WriteResult(write, "applied", row["id"], after["version"])

    def _present(self, write: Write, verb: RowVerb) -> tuple[Row, RegisterDesk]:
        """Return the row of a write as the writes before it leave it, and its context.

        Raises:
            RegisterRowNotFound: there is none within the caller's scope.
            RegisterNotFound: the plan no longer has its register.
            Forbidden: the caller has no right to the verb.
        """
        row = self.known.rows.get(self._same_as.get(write.subject_id, write.subject_id))
        if row is None:
            raise RegisterRowNotFound
        desk = self.desk(row["register_code"])
        check_row_right(self.actor, verb, row, desk.register)
        return row, desk

    def _files_seen(self, write: Write, row: Row) -> frozenset[str]:
        """Return the ids of a row's files that the device knows."""
        if write.base_version is None:
            return frozenset()  # it made the row, and a new row has no files
        return self.known.files.get((row["id"], write.base_version), frozenset())

    def _whole(self, cells: Cells, row: Row) -> dict[str, Any]:
        """Return all columns of a row with these `cells`; empty ones as null."""
        columns = self.desk(row["register_code"]).register.columns
        return {**{one.code: None for one in columns}, **cells}

    def _merged(
        self, write: Write, row: Row, desk: RegisterDesk, base: Cells, wanted: Mapping[str, Any]
    ) -> WriteResult:
        waiting = self.conflicts.get(row["id"])
        # A column that is already in conflict stays so; the others are merged as usual.
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
        judged = judged_cells(desk.register, said, CellJudging(self.plan), row["cells"])
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
        return read_cells(desk.register, write.said, CellJudging(self.plan))

    def _base(self, write: Write, row: Row) -> Cells:
        """Return the device's view before this write: a version, and its own writes since.

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
        self.known.files[row["id"], row["version"]] = piece_ids(row["files"])
        key = (row["register_code"], row["key"])
        if row["state"] not in STANDING:
            self.known.standing.pop(key, None)
        elif key in self.known.standing:
            self.known.standing[key] = row
        return row


def piece_ids(files: Sequence[Piece] | None) -> frozenset[str]:
    """Return the ids of the files in a row's column of pieces."""
    return frozenset(one["id"] for one in pieces_of(files))


def _shown(cells: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of some columns; empty ones as null."""
    return {code: cells.get(code) for code in columns}

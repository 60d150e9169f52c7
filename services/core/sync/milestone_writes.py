"""Writes of devices on milestones: a unit's progress, and its request for closure.

Each is merged by field with others' changes since the version that the device saw. Where both
changed the same field, or the milestone moved on, both versions are kept in a conflict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.rules import Merged, add_said, merge
from services.core.conflicts.service import raise_conflicts
from services.core.kit.errors import DomainError, InvalidInput
from services.core.kit.ids import new_id
from services.core.milestones import service
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import check_state
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import (
    FIELDS,
    SEEN,
    DisputedVerb,
    MilestoneConflictReason,
    as_kept,
    as_read,
    changed,
)
from services.core.milestones.conflicts.subject import OVER_MILESTONES
from services.core.milestones.errors import MilestoneNotFound, MilestoneTransitionRefused
from services.core.milestones.models import Milestone
from services.core.milestones.reports.queries import visible
from services.core.sync import queries
from services.core.sync.writes import (
    BaseVersionUnknown,
    ConflictWaits,
    Write,
    WriteOutcome,
    WriteResult,
    was_taken,
)

SaidColumns = Mapping[str, Any]


async def take_milestone_writes(
    session: AsyncSession,
    writes: Sequence[Write],
    *,
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
    desk: MilestoneDesk,
) -> dict[UUID, WriteResult]:
    """Take in the `fresh` writes on milestones, in order; return the result of each.

    The others were taken in `before`, and the device continued from them.
    """
    if not any(one.id in fresh for one in writes):
        return {}
    ids = [one.subject_id for one in writes]
    found = await visible(session, desk.actor, desk.plan.code, ids, for_update=True)
    versions = {
        (one.subject_id, one.base_version)
        for one in writes
        if one.subject_id in found and one.base_version is not None
    }
    bases = await queries.milestones_as_of(session, desk.plan.city_code, versions)
    taking = _MilestoneWrites(session, desk, found, bases)
    results = {}
    for write in writes:
        if write.id in fresh:
            results[write.id] = await taking.result(write)
        elif was_taken(write, before[write.id]):
            taking.note_earlier(write, before[write.id]["result"].get("version"))
    await raise_conflicts(session, OVER_MILESTONES, list(taking.conflicts.values()))
    return results


@dataclass(slots=True)
class _MilestoneWrites:
    """Applies writes one after another to locked milestones; `bases` are earlier versions."""

    session: AsyncSession
    desk: MilestoneDesk
    rows: Mapping[UUID, Milestone]
    bases: Mapping[tuple[UUID, int], SaidColumns]
    conflicts: dict[UUID, MilestoneConflict] = field(default_factory=dict)
    _seen: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _reached: dict[UUID, int | None] = field(default_factory=dict)

    async def result(self, write: Write) -> WriteResult:
        """Apply a write, and return its result."""
        try:
            return await self._taken(write)
        except DomainError as refused:
            return WriteResult(write, "refused", write.subject_id, refusal=refused)

    def note_earlier(self, write: Write, version: int | None) -> None:
        """Remember a write that was taken in before, and the version that it made."""
        self._seen.setdefault(write.subject_id, {}).update(_wanted(write))
        self._reached[write.subject_id] = version

    async def _taken(self, write: Write) -> WriteResult:
        if write.faults:
            raise InvalidInput(faults=write.faults)
        row = self.rows.get(write.subject_id)
        if row is None:
            raise MilestoneNotFound
        verb = _verb_of(write)
        service.check_right(self.desk, verb, row)
        base, wanted = self._base(write, row), _wanted(write)
        if verb == "complete":
            result = await self._complete(write, row, base, wanted)
        else:
            result = await self._progress(write, row, base, wanted)
        # Only after success: a refused write must not count as seen, so that a later write can
        # correct it.
        self._seen[row.id] = {**self._seen.get(row.id, {}), **wanted}
        if result.outcome in {"applied", "merged"}:
            self._reached[row.id] = row.version
        return result

    async def _progress(
        self, write: Write, row: Milestone, base: SaidColumns, wanted: SaidColumns
    ) -> WriteResult:
        waiting = self.conflicts.get(row.id)
        if waiting is not None and waiting.verb != "progress":
            raise ConflictWaits
        ours = changed(base, wanted)
        if waiting is not None and waiting.reason == "moved-on":
            return self._more_of_conflict(write, waiting, row, base, wanted, ours)
        if self._moved_on(write, row):
            return self._late(write, row, base, wanted)
        # A field that is already in conflict stays so; the others are merged as usual.
        kept = () if waiting is None else tuple(one for one in ours if one in waiting.fields)
        present = _columns(row)
        merged = merge(base, present, {**wanted, **{name: base[name] for name in kept}})
        others = any(present[name] != base[name] for name in wanted)
        news = bool(merged.free)
        disputed = (*kept, *merged.disputed)
        if news or not (disputed or others):
            # A report without changes still counts as a report, unless somebody else made the same.
            report = service.Report(**_after(merged, present, wanted))
            await service.report_progress(self.session, row, desk=self.desk, report=report)
        if waiting is not None and disputed:
            return self._more_of_conflict(write, waiting, row, base, wanted, disputed)
        if disputed:
            return self._conflict(write, "both-changed", row, base, wanted, disputed)
        outcome: WriteOutcome = "merged" if others else "applied"
        return WriteResult(
            write, outcome if news or not others else "unchanged", row.id, row.version
        )

    async def _complete(
        self, write: Write, row: Milestone, base: SaidColumns, wanted: SaidColumns
    ) -> WriteResult:
        if row.id in self.conflicts:
            raise ConflictWaits
        if self._moved_on(write, row):
            return self._late(write, row, base, wanted)
        present = _columns(row)
        merged = merge(base, present, wanted)
        if merged.disputed:
            return self._conflict(write, "both-changed", row, base, wanted, tuple(wanted))
        others = any(present[name] != base[name] for name in SEEN)
        said = {"narrative": None, **_after(merged, present, wanted)}
        await service.complete(self.session, row, desk=self.desk, **said)
        return WriteResult(write, "merged" if others else "applied", row.id, row.version)

    def _moved_on(self, write: Write, row: Milestone) -> bool:
        """Return whether a state that the device has not seen no longer allows the verb.

        Raises:
            MilestoneTransitionRefused: it is not allowed, and the device saw that, or it never will
                be.
        """
        try:
            check_state(row, _verb_of(write), self.desk)
        except MilestoneTransitionRefused:
            known = row.version in {write.base_version, self._reached.get(row.id)}
            # Nobody could ever accept a device's version of a cancelled milestone.
            if known or row.state == "cancelled":
                raise
            return True
        return False

    def _late(
        self, write: Write, row: Milestone, base: SaidColumns, wanted: SaidColumns
    ) -> WriteResult:
        """Keep a write that came after the milestone had moved on, unless it changes nothing."""
        present = _columns(row)
        asks = _verb_of(write) == "complete"
        told = tuple(wanted) if asks else changed(base, wanted)
        fields = tuple(name for name in told if wanted[name] != present[name])
        if not fields and (not asks or row.state in {"completed", "closed"}):
            return WriteResult(write, "unchanged", row.id, row.version)
        return self._conflict(write, "moved-on", row, base, wanted, fields or told)

    def _base(self, write: Write, row: Milestone) -> dict[str, Any]:
        """Return the device's view before this write: a version, and its own writes since.

        Raises:
            BaseVersionUnknown: the milestone never had the version.
        """
        kept = self.bases.get((row.id, write.base_version or 0))
        if kept is None:
            raise BaseVersionUnknown(extra={"version": row.version})
        return {**as_read({name: kept.get(name) for name in SEEN}), **self._seen.get(row.id, {})}

    def _conflict(
        self,
        write: Write,
        reason: MilestoneConflictReason,
        row: Milestone,
        base: SaidColumns,
        wanted: SaidColumns,
        fields: tuple[str, ...],
    ) -> WriteResult:
        conflict = MilestoneConflict(
            city_code=row.city_code,
            id=new_id(),
            plan_code=row.plan_code,
            milestone_id=row.id,
            measure_code=row.measure_code,
            organization_code=row.organization_code,
            title=row.title,
            verb=_verb_of(write),
            reason=reason,
            fields=list(fields),
            base=as_kept(base, fields),
            ledger=as_kept(_columns(row), fields),
            device=as_kept(wanted, fields),
            claimed_at=write.claimed_at,
            raised_by=self.desk.actor.stamp(),
            raised_at=self.desk.now,
            state="open",
            version=1,
        )
        self.conflicts[row.id] = conflict
        return WriteResult(write, "conflict", row.id, row.version, conflict_id=conflict.id)

    def _more_of_conflict(
        self,
        write: Write,
        conflict: MilestoneConflict,
        row: Milestone,
        base: SaidColumns,
        wanted: SaidColumns,
        fields: tuple[str, ...],
    ) -> WriteResult:
        add_said(
            conflict,
            base=as_kept(base, fields),
            ledger=as_kept(_columns(row), fields),
            device=as_kept(wanted, fields),
            claimed_at=write.claimed_at,
        )
        conflict.fields = list(dict.fromkeys((*conflict.fields, *fields)))
        return WriteResult(write, "conflict", row.id, row.version, conflict_id=conflict.id)


def _verb_of(write: Write) -> DisputedVerb:
    return "progress" if write.kind == "milestone.progress" else "complete"


def _columns(row: Milestone) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SEEN}


def _after(merged: Merged, present: SaidColumns, wanted: SaidColumns) -> dict[str, Any]:
    """Return all fields of a write after the merge; disputed fields keep the ledger's value."""
    return {name: merged.free.get(name, present[name]) for name in wanted}


def _wanted(write: Write) -> dict[str, Any]:
    """Return the columns of a write: a report in full, a request with its contents."""
    if write.kind == "milestone.progress":
        return {name: write.said.get(name) for name in FIELDS["progress"]}
    evidence = {"evidence": list(write.said.get("evidence", ()))}
    narrative = write.said.get("narrative")
    return evidence if narrative is None else {"narrative": narrative, **evidence}

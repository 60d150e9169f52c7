"""Writes of devices on milestones: how far a unit is, and its request for closure.

A report of progress is merged by field like a submission. Where both sides changed the same field
the write is refused with the version that stands; what it said is kept with it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.kit.errors import DomainError, InvalidInput, Stale
from services.core.milestones import service
from services.core.milestones.action_context import ActionContext
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.models import Milestone
from services.core.milestones.reports.queries import visible
from services.core.milestones.reports.service import REPORTED
from services.core.milestones.rules import MilestoneVerb
from services.core.milestones.service import Report
from services.core.plan.state import PlanState
from services.core.sync import queries
from services.core.sync.writes import BaseVersionUnknown, Write, WriteOutcome, WriteResult


async def take_milestone_writes(
    session: AsyncSession,
    writes: Sequence[Write],
    *,
    plan: PlanState,
    actor: Actor,
    desk: ActionContext,
) -> dict[UUID, WriteResult]:
    """Take in writes on milestones of a plan, in their order; return what became of each."""
    if not writes:
        return {}
    ids = [one.subject_id for one in writes]
    found = await visible(session, actor, plan.code, ids, for_update=True)
    versions = {
        (one.subject_id, one.base_version)
        for one in writes
        if one.subject_id in found and one.base_version is not None
    }
    bases = await queries.milestones_as_of(session, plan.city_code, versions)
    results: dict[UUID, WriteResult] = {}
    seen: dict[UUID, dict[str, Any]] = {}
    for write in writes:
        try:
            results[write.id] = await _taken(session, write, found, bases, seen, desk)
        except DomainError as refused:
            results[write.id] = WriteResult(write, "refused", write.subject_id, refusal=refused)
    return results


async def _taken(
    session: AsyncSession,
    write: Write,
    found: Mapping[UUID, Milestone],
    bases: Mapping[tuple[UUID, int], Mapping[str, Any]],
    seen: dict[UUID, dict[str, Any]],
    desk: ActionContext,
) -> WriteResult:
    if write.faults:
        raise InvalidInput(faults=write.faults)
    row = found.get(write.subject_id)
    if row is None or row.plan_code != desk.plan.code:
        raise MilestoneNotFound
    verb: MilestoneVerb = "progress" if write.kind == "milestone.progress" else "complete"
    service.check_right(desk, verb, row)
    base = {**_base(write, row, bases), **seen.get(row.id, {})}
    moved = any(getattr(row, name) != base[name] for name in REPORTED)
    if verb == "complete":
        if moved:
            raise Stale(extra={"version": row.version})
        narrative, evidence = write.said.get("narrative"), write.said.get("evidence", ())
        await service.complete(session, row, desk=desk, narrative=narrative, evidence=evidence)
        return WriteResult(write, "applied", row.id, row.version)
    wanted = {name: write.said.get(name) for name in REPORTED}
    report, outcome = _merged(row, base, wanted, moved=moved)
    await service.report_progress(session, row, desk=desk, report=report)
    seen[row.id] = wanted
    return WriteResult(write, outcome, row.id, row.version)


def _base(
    write: Write, row: Milestone, bases: Mapping[tuple[UUID, int], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the device saw.

    Raises:
        BaseVersionUnknown: the milestone never had the version.
    """
    kept = bases.get((row.id, write.base_version or 0))
    if kept is None:
        raise BaseVersionUnknown(extra={"version": row.version})
    return {name: _read(name, kept.get(name)) for name in REPORTED}


def _read(name: str, kept: Any) -> Any:
    """Return what history kept as the table has it."""
    if kept is None or name not in {"percent", "expected_date"}:
        return kept
    return Decimal(kept) if name == "percent" else date.fromisoformat(kept)


def _merged(
    row: Milestone, base: Mapping[str, Any], wanted: Mapping[str, Any], *, moved: bool
) -> tuple[Report, WriteOutcome]:
    """Return the report by field: each is the side's that changed it.

    Raises:
        Stale: both changed the same.
    """
    fields: dict[str, Any] = {}
    for name in REPORTED:
        before, now, then = base[name], getattr(row, name), wanted[name]
        if now != before and then not in (before, now):
            raise Stale(extra={"version": row.version})
        fields[name] = now if then == before else then
    return Report(**fields), "merged" if moved else "applied"

"""Adds and removes evidence: the row, its subject's pieces, history and event, in one transaction.

The file is in the store before its row is written, so a row never lacks its file; `keeping` deletes
a file whose row was never written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import record
from services.core.evidence import queries
from services.core.evidence.errors import (
    EvidenceRemoved,
    EvidenceRestedUpon,
    TargetNotAssigned,
    TooManyFiles,
)
from services.core.evidence.inspection import JudgedFile
from services.core.evidence.models import Evidence
from services.core.evidence.resting import drop_files, file_told
from services.core.identity.actor import Actor
from services.core.kit.errors import InvalidInput
from services.core.milestones import service as milestones
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.models import Milestone
from services.core.plan.evidence_rules import Piece, pieces_of
from services.core.plan.models import AssignedTarget
from services.core.plan.service import happening
from services.core.plan.state import PlanState
from services.core.registers import lifecycle as rows
from services.core.registers.models import RegisterRow
from services.core.registers.rules import RowVerb
from services.core.registers.service import RegisterDesk
from services.core.registers.totals import file_name_faults
from services.core.submissions import service as submissions
from services.core.submissions.models import Submission
from services.core.submissions.service import Deed


@dataclass(frozen=True, slots=True)
class NewFile:
    """A new file whose content is already in the store under this id."""

    id: UUID
    judged: JudgedFile


def key_of(city_code: str, evidence_id: UUID) -> str:
    """Return the key of a file's content in the store."""
    return f"{folder_of(city_code)}{evidence_id}"


def folder_of(city_code: str) -> str:
    """Return the prefix of the keys of a city's files."""
    return f"{city_code}/evidence/"


async def add_to_submission(
    session: AsyncSession,
    submission: Submission,
    new: NewFile,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> Evidence:
    """Add a file to a locked submission that may be edited.

    Raises:
        SubmissionTransitionRefused, PeriodClosed, Forbidden: see `submissions.service.move`.
        TooManyFiles: it has as many as the plan allows.
    """
    present = pieces_of(submission.files)
    _check_room(len(present), plan)
    row = _row(
        new,
        (submission.city_code, submission.plan_code),
        ("submission", str(submission.id)),
        actor,
        now,
        organization_code=submission.organization_code,
        indicator_code=submission.indicator_code,
        period=submission.period,
    )
    deed = Deed("evidence_added", "evidence.added", file_told(row))
    await submissions.change_files(
        session, submission, [*present, _piece(row)], deed, plan=plan, actor=actor, now=now
    )
    return await _written(session, row)


async def add_to_milestone(
    session: AsyncSession, milestone: Milestone, new: NewFile, *, desk: MilestoneDesk
) -> Evidence:
    """Add a file to a locked milestone that is being worked on.

    Raises:
        MilestoneTransitionRefused, OwnMilestone, Forbidden: see `milestones.service`.
        TooManyFiles: it has as many as the plan allows.
    """
    present = pieces_of(milestone.files)
    _check_room(len(present), desk.plan)
    row = _row(
        new,
        (milestone.city_code, milestone.plan_code),
        ("milestone", str(milestone.id)),
        desk.actor,
        desk.now,
        organization_code=milestone.organization_code,
        measure_code=milestone.measure_code,
    )
    await milestones.change_files(
        session,
        milestone,
        [*present, _piece(row)],
        "evidence.added",
        desk=desk,
        told=file_told(row),
    )
    return await _written(session, row)


async def add_to_row(
    session: AsyncSession, row: RegisterRow, new: NewFile, *, desk: RegisterDesk
) -> Evidence:
    """Add a file to a locked row of a register, as an edit.

    Adding one to a confirmed row makes a correction.

    Raises:
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
        TooManyFiles: it has as many as the plan allows.
        InvalidInput: its name contains a person's number, in a register of totals.
    """
    faults = file_name_faults(desk.register, new.judged.name)
    if faults:
        raise InvalidInput(faults=faults)
    present = pieces_of(row.files)
    _check_room(len(present), desk.plan)
    file = _row(
        new,
        (row.city_code, row.plan_code),
        ("register_row", str(row.id)),
        desk.actor,
        desk.now,
        organization_code=row.organization_code,
        register_code=row.register_code,
    )
    await rows.change_files(
        session, row, [*present, _piece(file)], "added", desk=desk, told=file_told(file)
    )
    return await _written(session, file)


async def add_to_target(
    session: AsyncSession,
    place: tuple[str, int],
    new: NewFile,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> Evidence:
    """Add a file to the assigned target that counts for `place`, an indicator and a year.

    The caller holds the plan's lock (`plan_for_change`).

    Raises:
        TargetNotAssigned: none was assigned.
        TooManyFiles: it has as many as the plan allows.
    """
    assigned = plan.assigned.get(place, ())
    if not assigned:
        raise TargetNotAssigned
    target = assigned[-1]
    most = plan.document.evidence.max_files
    present = await queries.files_of_targets(
        session, plan.city_code, [target_subject(target)], most=most
    )
    _check_room(len(present), plan)
    row = _row(
        new,
        (plan.city_code, plan.code),
        ("target", target_subject(target)),
        actor,
        now,
        indicator_code=target.indicator_code,
        period=str(target.year),
    )
    written = await _written(session, row)
    told = {
        "indicator_code": target.indicator_code,
        "year": target.year,
        "sequence": target.sequence,
        **file_told(row),
    }
    subject = ("indicator", f"{plan.code}/{target.indicator_code}")
    place_of_plan = (plan.city_code, plan.code)
    await record(
        session, happening(place_of_plan, "evidence.added", subject, actor.stamp(), told, now)
    )
    return written


def target_subject(target: AssignedTarget) -> str:
    """Return the id of an assigned target as the subject of evidence."""
    parts = (target.plan_code, target.indicator_code, target.year, target.sequence)
    return "/".join(map(str, parts))


async def remove_from_submission(
    session: AsyncSession,
    submission: Submission,
    row: Evidence,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> None:
    """Remove a file from a locked submission that may be edited; the file's row stays.

    Raises:
        SubmissionTransitionRefused, PeriodClosed, Forbidden: see `submissions.service.move`.
        EvidenceRestedUpon: a revision was approved with it.
        EvidenceRemoved: it was removed before.
    """
    left = _without(row, submission.files)
    deed = Deed("evidence_removed", "evidence.removed", file_told(row))
    await submissions.change_files(session, submission, left, deed, plan=plan, actor=actor, now=now)
    await _mark_removed(session, row, actor, now)


async def remove_from_milestone(
    session: AsyncSession, milestone: Milestone, row: Evidence, *, desk: MilestoneDesk
) -> None:
    """Remove a file from a locked milestone that is being worked on; the file's row stays.

    Raises:
        MilestoneTransitionRefused, OwnMilestone, Forbidden: see `milestones.service`.
        EvidenceRestedUpon: it was closed with it.
        EvidenceRemoved: it was removed before.
    """
    left = _without(row, milestone.files)
    await milestones.change_files(
        session, milestone, left, "evidence.removed", desk=desk, told=file_told(row)
    )
    await _mark_removed(session, row, desk.actor, desk.now)


async def remove_from_row(
    session: AsyncSession, row: RegisterRow, file: Evidence, *, desk: RegisterDesk
) -> None:
    """Remove a file from a locked row of a register, as an edit; the file's record stays.

    Raises:
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
        EvidenceRestedUpon: it was confirmed with it.
        EvidenceRemoved: it was removed before.
    """
    left = _without(file, row.files)
    await rows.change_files(session, row, left, "removed", desk=desk, told=file_told(file))
    await _mark_removed(session, file, desk.actor, desk.now)


async def move_row(
    session: AsyncSession,
    row: RegisterRow,
    verb: RowVerb,
    *,
    desk: RegisterDesk,
    reason: str | None,
    ended_on: date | None = None,
) -> None:
    """Carry out a verb on a locked row of a register, and remove the files that it drops.

    Raises:
        InvalidInput, RegisterRowTransitionRefused, QuotaFull: see `registers.lifecycle.move`.
    """
    before = pieces_of(row.files)
    await rows.move(session, row, verb, desk=desk, reason=reason, ended_on=ended_on)
    await drop_files(session, [(before, vars(row))], actor=desk.actor, now=desk.now)


def _check_room(present: int, plan: PlanState) -> None:
    most = plan.document.evidence.max_files
    if present >= most:
        raise TooManyFiles(extra={"max_files": most})


def _row(
    new: NewFile,
    place: tuple[str, str],
    subject: tuple[str, str],
    actor: Actor,
    now: datetime,
    **about: str,
) -> Evidence:
    judged = new.judged
    return Evidence(
        city_code=place[0],
        id=new.id,
        plan_code=place[1],
        subject_kind=subject[0],
        subject_id=subject[1],
        organization_code=about.get("organization_code"),
        indicator_code=about.get("indicator_code"),
        measure_code=about.get("measure_code"),
        register_code=about.get("register_code"),
        period=about.get("period"),
        file_name=judged.name,
        type=judged.kind,
        size=judged.size,
        sha256=judged.sha256,
        sm3=judged.sm3,
        added_at=now,
        added_by=actor.stamp(),
        removed_at=None,
        removed_by=None,
        rested_upon_at=None,
    )


def _piece(row: Evidence) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "file_name": row.file_name,
        "type": row.type,
        "size": row.size,
        "sha256": row.sha256,
        "kept": False,
    }


async def _written(session: AsyncSession, row: Evidence) -> Evidence:
    session.add(row)
    await session.flush()
    return row


def _without(row: Evidence, files: Sequence[Piece] | None) -> list[Piece]:
    if row.rested_upon_at is not None:
        raise EvidenceRestedUpon
    pieces = pieces_of(files)
    found = next((one for one in pieces if one["id"] == str(row.id)), None)
    if found is None:
        raise EvidenceRemoved
    if found["kept"]:
        raise EvidenceRestedUpon
    return [one for one in pieces if one is not found]


async def _mark_removed(session: AsyncSession, row: Evidence, actor: Actor, now: datetime) -> None:
    # Something may have come to depend on it since it was read.
    await session.refresh(row, with_for_update=True)
    if row.rested_upon_at is not None:
        raise EvidenceRestedUpon
    row.removed_at, row.removed_by = now, actor.stamp()
    await session.flush()

"""Queries of evidence. Exactly the callers who see the subject of a file see the file."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, case, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.core.evidence.errors import ArchiveNotFound, EvidenceNotFound
from services.core.evidence.models import Evidence, EvidenceArchive
from services.core.evidence.statements import THIS_DATABASE
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.milestones.conditions import MILESTONES
from services.core.milestones.models import Milestone, MilestoneHistory
from services.core.plan.evidence_rules import Piece
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.visibility import pieces_seen, scope, sees_plan
from services.core.registers import queries as registers
from services.core.registers.models import RegisterRow, RegisterRowHistory
from services.core.submissions.models import Submission, SubmissionHistory
from services.core.submissions.queries import SUBMISSIONS

READS = {
    "submission": Permission.READ_SUBMISSIONS,
    "milestone": Permission.READ_MILESTONES,
    "target": Permission.READ_PLAN,
    "register_row": Permission.READ_SUBMISSIONS,
}
"""The permissions needed to read the evidence of each kind of subject."""

WRITES = {
    "submission": Permission.WRITE_SUBMISSIONS,
    "milestone": Permission.WRITE_MILESTONES,
    "target": Permission.ASSIGN_TARGET,
    "register_row": Permission.WRITE_SUBMISSIONS,
}
"""The permissions needed to add evidence to each kind of subject, and to remove it."""


async def submission_seen(
    session: AsyncSession, actor: Actor, submission_id: UUID
) -> Submission | None:
    """Return one visible submission, freshly read."""
    return await session.scalar(
        select(Submission).where(Submission.id == submission_id, scope(actor, SUBMISSIONS).clause)
    )


async def milestone_seen(
    session: AsyncSession, actor: Actor, milestone_id: UUID
) -> Milestone | None:
    """Return one visible milestone."""
    return await session.scalar(
        select(Milestone).where(Milestone.id == milestone_id, scope(actor, MILESTONES).clause)
    )


async def evidence_seen(session: AsyncSession, actor: Actor, evidence_id: UUID) -> Evidence:
    """Return a file that the caller may see, even if it was removed.

    Raises:
        EvidenceNotFound: there is none.
    """
    row = await session.scalar(_one(actor.city_code, evidence_id))
    if row is None or not actor.may(READS[row.subject_kind]):
        raise EvidenceNotFound
    if not await _sees(session, actor, row):
        raise EvidenceNotFound
    return row


def _one(city_code: str, evidence_id: UUID) -> Select[Evidence]:
    return select(Evidence).where(Evidence.city_code == city_code, Evidence.id == evidence_id)


async def _sees(session: AsyncSession, actor: Actor, row: Evidence) -> bool:
    if row.subject_kind in {"submission", "register_row"}:
        found = await _resting(session, actor, row)
        if found is None:
            return False
        if actor.reach is not Reach.APPROVED:
            return True
        return any(one["id"] == str(row.id) for one in pieces_seen(actor, found.files or ()))
    if row.subject_kind == "milestone":
        return await milestone_seen(session, actor, UUID(row.subject_id)) is not None
    return sees_plan(actor, city_code=row.city_code, plan_code=row.plan_code)


async def _resting(
    session: AsyncSession, actor: Actor, row: Evidence
) -> Submission | RegisterRow | None:
    """Return the subject of a file, if the caller sees it."""
    if row.subject_kind == "submission":
        return await submission_seen(session, actor, UUID(row.subject_id))
    return await registers.one(session, actor, UUID(row.subject_id))


async def files_of_pieces(
    session: AsyncSession, city_code: str, pieces: Sequence[Piece], *, locked: bool = False
) -> Sequence[Evidence]:
    """Return the files of pieces, in the order of adding; with `locked` they are row-locked."""
    if not pieces:
        return []
    ids = [UUID(one["id"]) for one in pieces]
    wanted = (
        select(Evidence)
        .where(Evidence.city_code == city_code, Evidence.id.in_(ids))
        .order_by(Evidence.id)
    )
    return (await session.scalars(_held(wanted) if locked else wanted)).all()


async def held(session: AsyncSession, city_code: str, ids: Collection[UUID]) -> Sequence[Evidence]:
    """Return those of some files that were not removed, locked in a fixed order."""
    if not ids:
        return []
    wanted = (
        select(Evidence)
        .where(
            Evidence.city_code == city_code,
            Evidence.id.in_(list(ids)),
            Evidence.removed_at.is_(None),
        )
        .order_by(Evidence.id)
    )
    return (await session.scalars(_held(wanted))).all()


def _held(wanted: Select[Evidence]) -> Select[Evidence]:
    return wanted.with_for_update().execution_options(populate_existing=True)


async def files_of_targets(
    session: AsyncSession, city_code: str, subject_ids: Sequence[str], *, most: int
) -> Sequence[Evidence]:
    """Return the files of assigned targets, in the order of adding, at most `most`.

    None of them was ever removed.
    """
    if not subject_ids:
        return []
    found = await session.scalars(
        select(Evidence)
        .where(
            Evidence.city_code == city_code,
            Evidence.subject_kind == "target",
            Evidence.subject_id.in_(subject_ids),
        )
        .order_by(Evidence.id)
        .limit(most)
    )
    return found.all()


async def kept_among(session: AsyncSession, city_code: str, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of these ids belong to files that were not removed."""
    found = await session.scalars(
        select(Evidence.id).where(
            Evidence.city_code == city_code, Evidence.id.in_(ids), Evidence.removed_at.is_(None)
        )
    )
    return frozenset(found)


async def some_kept(
    session: AsyncSession, city_code: str, *, after: UUID | None, limit: int
) -> Sequence[Evidence]:
    """Return up to `limit` files of a city that were not removed, by id, after `after`."""
    wanted = select(Evidence).where(Evidence.city_code == city_code, Evidence.removed_at.is_(None))
    if after is not None:
        wanted = wanted.where(Evidence.id > after)
    return (await session.scalars(wanted.order_by(Evidence.id).limit(limit))).all()


# Archives


def of_rows_in(city_code: str, period: Period) -> ColumnElement[bool]:
    """Return the condition that a file's register row counts on a day of a period.

    A row has no period of its own: it is valid between two days, or without bounds.
    """
    # Ids of other subjects may not be UUIDs, and are not cast.
    row_id = case((Evidence.subject_kind == "register_row", cast(Evidence.subject_id, Uuid)))
    return exists().where(
        RegisterRow.city_code == city_code,
        RegisterRow.id == row_id,
        *registers.counts_within(period.first_day, period.last_day),
    )


def decided_on(city_code: str, by: datetime | None) -> ColumnElement[bool]:
    """Return the condition that something was decided with a file by an instant.

    That is approved, confirmed or closed; None: by now. Files added since, or to a draft, are still
    the unit's own work. A target was assigned with its files. This is read from history, so that
    the answer never changes.
    """
    return or_(
        Evidence.subject_kind == "target",
        *(_kept_in(city_code, kind, by) for kind in _HISTORIES),
    )


def _kept_in(city_code: str, kind: str, by: datetime | None) -> ColumnElement[bool]:
    history, column = _HISTORIES[kind]
    # Ids of other subjects may not be UUIDs, and are not cast.
    subject_id = case((Evidence.subject_kind == kind, cast(Evidence.subject_id, Uuid)))
    piece = func.jsonb_build_object("id", cast(Evidence.id, Text), "kept", True)
    conditions = [
        history.city_code == city_code,
        column == subject_id,
        history.after["files"].contains(func.jsonb_build_array(piece)),
    ]
    if by is not None:
        conditions.append(history.occurred_at <= by)
    return exists().where(*conditions)


_History = type[SubmissionHistory] | type[MilestoneHistory] | type[RegisterRowHistory]
_HISTORIES: Mapping[str, tuple[_History, InstrumentedAttribute[UUID]]] = {
    "submission": (SubmissionHistory, SubmissionHistory.submission_id),
    "milestone": (MilestoneHistory, MilestoneHistory.milestone_id),
    "register_row": (RegisterRowHistory, RegisterRowHistory.row_id),
}
"""The history table with the files of each kind of subject after each change."""


async def some_wanted(
    session: AsyncSession,
    archive: EvidenceArchive,
    plan: PlanState,
    *,
    after: UUID | None,
    limit: int,
) -> Sequence[Evidence]:
    """Return up to `limit` files of an archive, by id, after `after`."""
    wanted = select(Evidence).where(*_wanted(archive, plan))
    if after is not None:
        wanted = wanted.where(Evidence.id > after)
    return (await session.scalars(wanted.order_by(Evidence.id).limit(limit))).all()


async def bytes_wanted(session: AsyncSession, archive: EvidenceArchive, plan: PlanState) -> int:
    """Return the total bytes of an archive's files."""
    found = await session.scalar(select(func.sum(Evidence.size)).where(*_wanted(archive, plan)))
    return int(found or 0)


def _wanted(archive: EvidenceArchive, plan: PlanState) -> list[ColumnElement[bool]]:
    """Return the conditions on the files of an archive, as of its request.

    A period has its own files and those of the rows that count in it.
    """
    wanted = [
        Evidence.city_code == archive.city_code,
        Evidence.plan_code == archive.plan_code,
        Evidence.removed_at.is_(None),
        Evidence.id < archive.id,
    ]
    if archive.period is not None:
        period = plan.period_calendar.period(archive.period)
        of_rows = of_rows_in(archive.city_code, period)
        wanted.append(or_(Evidence.period == archive.period, of_rows))
    if archive.organization_code is not None:
        wanted.append(Evidence.organization_code == archive.organization_code)
    return wanted


async def archive_under_way(session: AsyncSession, city_code: str, credential_id: UUID) -> bool:
    """Return whether an archive of a credential is being made."""
    found = await session.scalar(
        select(EvidenceArchive.id)
        .where(
            EvidenceArchive.city_code == city_code,
            EvidenceArchive.credential_id == credential_id,
            EvidenceArchive.state == "making",
        )
        .limit(1)
    )
    return found is not None


async def made_archive(
    session: AsyncSession, city_code: str, archive_id: UUID, credential_id: UUID
) -> EvidenceArchive:
    """Return a credential's archive that was made and not deleted yet.

    Raises:
        ArchiveNotFound: there is none.
    """
    found = await session.scalar(
        select(EvidenceArchive).where(
            EvidenceArchive.city_code == city_code,
            EvidenceArchive.id == archive_id,
            EvidenceArchive.credential_id == credential_id,
            EvidenceArchive.state == "made",
        )
    )
    if found is None:
        raise ArchiveNotFound
    return found


async def archives_kept_among(
    session: AsyncSession, city_code: str, tokens: Sequence[UUID]
) -> frozenset[UUID]:
    """Return which of these tokens belong to archives that are kept."""
    found = await session.scalars(
        select(EvidenceArchive.file_token).where(
            EvidenceArchive.city_code == city_code, EvidenceArchive.file_token.in_(tokens)
        )
    )
    return frozenset(one for one in found if one is not None)


async def this_database(session: AsyncSession) -> str:
    """Return an identifier that distinguishes a database from every copy of it.

    It changes when a dump is restored, after point-in-time recovery, and after a standby's
    promotion.
    """
    found: str = (await session.execute(THIS_DATABASE)).scalar_one()
    return found

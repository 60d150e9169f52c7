"""Reads extensions. Who may see one depends on what it is for, so callers pass that in."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, TextClause, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.core.extensions.models import Extension
from services.core.extensions.rules import ExtensionState, ExtensionSubjectKind


async def one(
    session: AsyncSession, extension_id: UUID, *, visible: TextClause
) -> Extension | None:
    """Return one visible extension."""
    return await session.scalar(select(Extension).where(Extension.id == extension_id, visible))


async def lock(session: AsyncSession, extension: Extension) -> Extension:
    """Return an extension as it is now, locked until the transaction ends.

    The thing that it is for is locked first, always in that order.
    """
    await session.refresh(extension, with_for_update=True)
    return extension


async def page(
    session: AsyncSession,
    *,
    visible: TextClause,
    plan_code: str,
    state: ExtensionState | None,
    subject_kind: ExtensionSubjectKind | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Extension]:
    """Return up to `limit` visible extensions of a plan, newest first, after the id `after`."""
    wanted = select(Extension).where(visible, Extension.plan_code == plan_code)
    if state is not None:
        wanted = wanted.where(Extension.state == state)
    if subject_kind is not None:
        wanted = wanted.where(Extension.subject_kind == subject_kind)
    if after is not None:
        wanted = wanted.where(Extension.id < after)
    found = await session.scalars(wanted.order_by(Extension.id.desc()).limit(limit))
    return found.all()


async def newest_of(
    session: AsyncSession,
    city_code: str,
    kind: ExtensionSubjectKind,
    subject_ids: Sequence[UUID],
    *,
    most: int,
) -> Mapping[UUID, list[Extension]]:
    """Return extensions by subject, newest first, at most `most` of each."""
    if not subject_ids:
        return {}
    later = aliased(Extension)
    behind = (
        select(later.number)
        .where(
            later.city_code == city_code,
            later.subject_kind == Extension.subject_kind,
            later.subject_id == Extension.subject_id,
        )
        .order_by(later.number.desc())
        .offset(most)
        .limit(1)
        .scalar_subquery()
    )
    rows = await session.scalars(
        select(Extension)
        .where(
            Extension.city_code == city_code,
            Extension.subject_kind == kind,
            Extension.subject_id.in_(subject_ids),
            behind.is_(None) | (Extension.number > behind),
        )
        .order_by(Extension.number.desc())
    )
    found: dict[UUID, list[Extension]] = {}
    for row in rows:
        found.setdefault(row.subject_id, []).append(row)
    return found


async def waiting_for(
    session: AsyncSession, city_code: str, kind: ExtensionSubjectKind, subject_id: UUID
) -> Extension | None:
    """Return the pending request of a subject, locked; None: there is none."""
    return await session.scalar(
        select(Extension)
        .where(
            Extension.city_code == city_code,
            Extension.subject_kind == kind,
            Extension.subject_id == subject_id,
            Extension.state == "requested",
        )
        .with_for_update()
    )


async def waiting_for_each(
    session: AsyncSession,
    city_code: str,
    kind: ExtensionSubjectKind,
    subject_ids: Sequence[UUID],
) -> Sequence[Extension]:
    """Return the pending requests of some subjects, locked, by subject."""
    found = await session.scalars(
        select(Extension)
        .where(
            Extension.city_code == city_code,
            Extension.subject_kind == kind,
            Extension.subject_id.in_(subject_ids),
            Extension.state == "requested",
        )
        .order_by(Extension.subject_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def last_number(
    session: AsyncSession, city_code: str, kind: ExtensionSubjectKind, subject_id: UUID
) -> int:
    """Return the number of a subject's last extension; 0 before the first."""
    found = await session.scalar(
        select(Extension.number)
        .where(
            Extension.city_code == city_code,
            Extension.subject_kind == kind,
            Extension.subject_id == subject_id,
        )
        .order_by(Extension.number.desc())
        .limit(1)
    )
    return found or 0


async def days_waited_since(
    session: AsyncSession, city_code: str, plan_code: str, *, time_zone: str
) -> Sequence[date]:
    """Return the local dates of the requests that are still pending."""
    day = cast(func.timezone(time_zone, Extension.requested_at), Date)
    found = await session.scalars(
        select(day)
        .distinct()
        .where(
            Extension.city_code == city_code,
            Extension.plan_code == plan_code,
            Extension.state == "requested",
        )
    )
    return found.all()

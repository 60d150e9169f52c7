"""Reads submissions. Every query of a caller is limited to what the caller may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import from_json
from sqlalchemy import ARRAY, Uuid, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.errors import PositionBeyondLog
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.database import columns_of
from services.core.kit.idempotency import RequestKey
from services.core.kit.statements import DriverStatement, driver_statement
from services.core.plan.visibility import Made, Owned, made_scope, scope
from services.core.submissions.images import columns_of_image
from services.core.submissions.models import Submission, SubmissionHistory, SubmissionPreview

SUBMISSIONS = Owned(
    city="submission.city_code",
    plan="submission.plan_code",
    unit="submission.organization_code",
    indicator="submission.indicator_code",
    approved="submission.approved_revision IS NOT NULL",
)
"""The columns that decide who sees a submission. `_as_seen` shows approved ones as approved."""

_COLUMNS = columns_of(Submission, "submission", without=("authorship",))


@dataclass(frozen=True, slots=True)
class SubmissionFilters:
    """The filters of a list; None does not filter."""

    indicator_code: str | None = None
    organization_code: str | None = None
    period: str | None = None
    state: str | None = None

    def conditions(self) -> list[tuple[str, str]]:
        """Return (column, value) of the filters that are set."""
        given = (
            ("indicator_code", self.indicator_code),
            ("organization_code", self.organization_code),
            ("period", self.period),
            ("state", self.state),
        )
        return [(column, value) for column, value in given if value is not None]


async def page(
    connection: asyncpg.Connection,
    actor: Actor,
    *,
    plan_code: str,
    filters: SubmissionFilters,
    after: UUID | None,
    limit: int,
    checked: bool = False,
) -> Sequence[Mapping[str, Any]]:
    """Return up to `limit` visible submissions of a plan, newest first, after the id `after`.

    With `checked`, only those that are not withdrawn and have findings.
    """
    seen = scope(actor, SUBMISSIONS)
    given = {**seen.parameters, "plan": plan_code, "most": limit}
    sql = f"SELECT {_COLUMNS} FROM submission WHERE {seen.sql} AND plan_code = :plan"  # noqa: S608 (text of our own)
    for column, value in filters.conditions():
        given[column] = value
        sql += f" AND {_seen_column(actor, column)} = :{column}"
    if checked:
        sql += " AND checks IS NOT NULL AND submission.state <> 'withdrawn'"
    if after is not None:
        given["after"] = after
        sql += " AND id < :after"
    statement = driver_statement(f"{sql} ORDER BY id DESC LIMIT :most")
    return await _as_seen(connection, actor, await connection.fetch(*statement.bind(given)))


async def one(
    connection: asyncpg.Connection, actor: Actor, submission_id: UUID
) -> Mapping[str, Any] | None:
    """Return one visible submission."""
    seen = scope(actor, SUBMISSIONS)
    statement = driver_statement(
        f"SELECT {_COLUMNS} FROM submission WHERE id = :id AND {seen.sql}"  # noqa: S608
    )
    rows = await connection.fetch(*statement.bind({**seen.parameters, "id": submission_id}))
    return next(iter(await _as_seen(connection, actor, rows)), None)


def _seen_column(actor: Actor, column: str) -> str:
    """Return the SQL to filter by; to callers who see approvals only, each state is "approved"."""
    if column == "state" and actor.reach is Reach.APPROVED:
        return "CAST('approved' AS text)"
    return f"submission.{column}"


_APPROVED = DriverStatement("""
WITH approved AS (
    SELECT DISTINCT ON (submission_id) submission_id, version, after, reason, occurred_at
    FROM submission_history
    WHERE city_code = :city AND submission_id = ANY(:ids) AND after->>'state' = 'approved'
    ORDER BY submission_id, version DESC
)
SELECT approved.submission_id, approved.version, CAST(approved.after AS text) AS after,
    approved.reason, approved.occurred_at,
    max(h.occurred_at) FILTER (WHERE h.action = 'submitted') AS submitted_at,
    max(h.occurred_at) FILTER (WHERE h.action = 'approved') AS decided_at
FROM approved JOIN submission_history h ON h.city_code = :city
    AND h.submission_id = approved.submission_id AND h.version <= approved.version
GROUP BY approved.submission_id, approved.version, approved.after, approved.reason,
    approved.occurred_at
""")
"""Submissions as of their last approval, or as found falsified after that.

`after` is cast to text, because a session's connection decodes JSON and the pool's do not.
"""


async def _as_seen(
    connection: asyncpg.Connection, actor: Actor, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return rows as the caller may see them.

    While an approved submission is being corrected, a caller who sees approvals only still gets the
    approved revision, which still counts.
    """
    corrected = [row["id"] for row in rows if row["state"] != "approved"]
    if actor.reach is not Reach.APPROVED or not corrected:
        return rows
    found = await connection.fetch(*_APPROVED.bind({"city": actor.city_code, "ids": corrected}))
    approved = {row["submission_id"]: _approved(row) for row in found}
    return [{**row, **approved.get(row["id"], {})} for row in rows]


def _approved(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns of a submission's approved version, from its history."""
    dates = {name: row[name] for name in ("submitted_at", "decided_at")}
    return {
        **columns_of_image(from_json(row["after"])),
        **dates,
        "version": row["version"],
        "reason": row["reason"],
        "updated_at": row["occurred_at"],
    }


async def for_update(session: AsyncSession, actor: Actor, submission_id: UUID) -> Submission | None:
    """Return one visible submission, locked until the transaction ends."""
    return await session.scalar(
        select(Submission)
        .where(Submission.id == submission_id, scope(actor, SUBMISSIONS).clause)
        .with_for_update()
    )


async def many_for_update(
    session: AsyncSession, actor: Actor, plan_code: str, ids: Sequence[UUID]
) -> Mapping[UUID, Mapping[str, Any]]:
    """Return those of these submissions that are in the plan and visible, locked."""
    found = await session.execute(
        select(*Submission.__table__.columns)
        .where(Submission.plan_code == plan_code, scope(actor, SUBMISSIONS).clause)
        .where(Submission.id == any_(literal(list(ids), ARRAY(Uuid))))
        # Sorted, so that two transactions that want several of the same rows cannot deadlock.
        .order_by(Submission.id)
        .with_for_update()
    )
    return {row["id"]: dict(row) for row in found.mappings()}


async def preview_for_update(
    session: AsyncSession, actor: Actor, plan_code: str, preview_id: UUID
) -> SubmissionPreview | None:
    """Return a preview that the caller made for this plan, locked until the transaction ends."""
    made = Made("submission_preview.city_code", "submission_preview.plan_code", _PREVIEW_OF)
    return await session.scalar(
        select(SubmissionPreview)
        .where(SubmissionPreview.id == preview_id, SubmissionPreview.plan_code == plan_code)
        .where(made_scope(actor, made).clause)
        .with_for_update()
    )


_PREVIEW_OF = "submission_preview.credential_id"


async def history(
    session: AsyncSession,
    actor: Actor,
    city_code: str,
    submission_id: UUID,
    *,
    after: int,
    limit: int,
) -> Sequence[SubmissionHistory]:
    """Return the changes of a visible submission that the caller may see, oldest first.

    A caller who sees approvals only gets approvals and falsifications, and no work in between.
    """
    wanted = select(SubmissionHistory).where(
        SubmissionHistory.city_code == city_code,
        SubmissionHistory.submission_id == submission_id,
        SubmissionHistory.version > after,
    )
    if actor.reach is Reach.APPROVED:
        wanted = wanted.where(SubmissionHistory.after["state"].astext == "approved")
    return (await session.scalars(wanted.order_by(SubmissionHistory.version).limit(limit))).all()


_APPROVALS = ("submission.approved", "submission.falsified")
"""The events that are visible to a caller who sees approvals only."""


_SHIFTING = ("plan.published", "period.closed", "period.published", "period.reopened")
"""The events of a plan that change who sees submissions, or which verbs they allow, although no
submission changes."""


class Changed(NamedTuple):
    """The changes of a list since a position.

    Each of `rows` has `position`, that of its last change among those read; `read_to` is the
    position to continue from, and `more` tells whether changes may follow. `shifted`: the plan got
    a new version or a period changed its state, so that the caller's copies of other submissions
    are stale too.
    """

    rows: Sequence[Mapping[str, Any]]
    read_to: int
    more: bool
    shifted: bool


# One lookup per position, even if the planner has poor statistics of the event table.
_CHANGED = f"""
WITH changes AS (
    SELECT position, type, subject_id, subject_kind, plan_code, shifts
    FROM (
        SELECT position, event_id FROM event_position
        WHERE city_code = :city AND position > :after ORDER BY position LIMIT :most
    ) AS numbers
    CROSS JOIN LATERAL (
        SELECT type, subject_id, subject_kind, plan_code,
            -- Before the first version of a plan nobody had anything of it.
            type = ANY(:shifting)
                AND (type <> 'plan.published' OR data->>'version' <> '1') AS shifts
        FROM event
        WHERE city_code = :city AND id = event_id LIMIT 1
    ) AS told
    ORDER BY position
), last AS (
    SELECT max(position) AS position, CAST(subject_id AS uuid) AS id FROM changes
    WHERE subject_kind = 'submission'
        AND (CAST(:heard AS text[]) IS NULL OR type = ANY(CAST(:heard AS text[])))
    GROUP BY subject_id
)
SELECT last.position, {_COLUMNS},
    (SELECT max(position) FROM changes) AS read_to,
    (SELECT position FROM log_head WHERE city_code = :city) AS newest,
    (SELECT count(*) FROM changes) AS read_count,
    (SELECT bool_or(shifts) FROM changes WHERE plan_code = :plan) AS shifted
FROM (SELECT 1) AS always
LEFT JOIN (last JOIN submission ON submission.id = last.id AND {{narrowed}}) ON TRUE
ORDER BY last.position
"""  # noqa: S608 (text of our own)


async def changed_after(
    connection: asyncpg.Connection,
    actor: Actor,
    *,
    plan_code: str,
    filters: SubmissionFilters,
    position: int,
    limit: int,
) -> Changed:
    """Return visible submissions changed after a log position, and the position to continue from.

    The caller applies the filter by state: a submission that was withdrawn or changed its state is
    included, so that the client can be told that it left the list.

    Raises:
        PositionBeyondLog: there is no such position.
    """
    seen = scope(actor, SUBMISSIONS)
    narrowed = f"{seen.sql} AND submission.plan_code = :plan"
    given = {
        **seen.parameters,
        "city": actor.city_code,
        "plan": plan_code,
        "after": position,
        "most": limit,
        "shifting": _SHIFTING,
        "heard": _APPROVALS if actor.reach is Reach.APPROVED else None,
    }
    for column, value in filters.conditions():
        if column != "state":
            given[column] = value
            narrowed += f" AND submission.{column} = :{column}"
    statement = driver_statement(_CHANGED.format(narrowed=narrowed))
    rows = await connection.fetch(*statement.bind(given))
    newest = rows[0]["newest"] or 0
    if position > newest:
        raise PositionBeyondLog.after(newest)
    read_to = rows[0]["read_to"] or position
    found = [row for row in rows if row["id"] is not None]
    return Changed(
        await _as_seen(connection, actor, found),
        read_to,
        rows[0]["read_count"] == limit,
        bool(rows[0]["shifted"]),
    )


_SLOT_HOLDER = DriverStatement("""
SELECT id FROM submission
WHERE city_code = :city_code AND plan_code = :plan_code AND indicator_code = :indicator_code
    AND organization_code = :organization_code AND period = :period AND state <> 'withdrawn'
""")
_SLOT = ("city_code", "plan_code", "indicator_code", "organization_code", "period")


async def slot_holder(connection: asyncpg.Connection, row: Mapping[str, Any]) -> str | None:
    """Return the id of the submission that holds this row's slot."""
    slot = {name: row[name] for name in _SLOT}
    found = await connection.fetchval(*_SLOT_HOLDER.bind(slot))
    return str(found) if found else None


_EARLIER_REPLY = DriverStatement("""
SELECT request_digest, status, body, etag, location FROM stored_reply
WHERE city_code = :city AND credential_id = :credential AND key = :key
""")


async def earlier_reply(
    connection: asyncpg.Connection | asyncpg.Pool, request: RequestKey
) -> Mapping[str, Any] | None:
    """Return the reply stored under a request's key."""
    place = {
        "city": request.city_code,
        "credential": request.credential_id,
        "key": request.key,
    }
    row: Mapping[str, Any] | None = await connection.fetchrow(*_EARLIER_REPLY.bind(place))
    return row


_STANDING_FOR = text("""
SELECT s.indicator_code, s.period, count(*) AS number FROM submission AS s
WHERE s.city_code = :city AND s.plan_code = :plan AND s.indicator_code = ANY(CAST(:codes AS text[]))
    AND s.state <> 'withdrawn'
GROUP BY s.indicator_code, s.period
""")


async def standing_by_period(
    session: AsyncSession, city_code: str, plan_code: str, codes: Collection[str]
) -> Mapping[tuple[str, str], int]:
    """Return how many submissions of some indicators exist, by (indicator, period)."""
    given = {"city": city_code, "plan": plan_code, "codes": sorted(codes)}
    found = await session.execute(_STANDING_FOR, given)
    return {(row.indicator_code, row.period): row.number for row in found}

"""Reading submissions. Every query of a caller starts from what the caller may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.kit.database import columns_of
from services.core.kit.idempotency import RequestKey
from services.core.submissions.models import Submission, SubmissionHistory


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL with the parameters it uses, numbered from `$first`."""

    sql: str
    parameters: tuple[object, ...]


def visible_to(actor: Actor, *, first: int) -> Condition:
    """Return the condition on table `submission` that keeps a caller to what is theirs.

    A reporter sees its unit's; a lead also what is reported for the indicators it leads; the
    superior what was approved, as it was then (`_as_seen`); the office and the leader all of the
    plan; administrators none.
    """
    sql, parameters = f"submission.city_code = ${first}", [actor.city_code]
    if actor.plan_code is not None:
        parameters.append(actor.plan_code)
        sql += f" AND submission.plan_code = ${first + len(parameters) - 1}"
    if actor.role in {"office", "leader"}:
        return Condition(sql, tuple(parameters))
    if actor.role == "superior":
        return Condition(f"{sql} AND submission.approved_revision IS NOT NULL", tuple(parameters))
    if actor.role == "integrator" and actor.organization_code is None:
        return Condition(sql, tuple(parameters))
    if actor.role not in {"reporter", "lead", "integrator"} or actor.organization_code is None:
        return Condition("FALSE", ())
    parameters.append(actor.organization_code)
    unit = f"${first + len(parameters) - 1}"
    if actor.role == "reporter":
        return Condition(f"{sql} AND submission.organization_code = {unit}", tuple(parameters))
    return Condition(
        f"{sql} AND (submission.organization_code = {unit} OR EXISTS ("
        "SELECT FROM indicator_lead AS led WHERE led.city_code = submission.city_code"
        f" AND led.plan_code = submission.plan_code AND led.organization_code = {unit}"
        " AND led.indicator_code = submission.indicator_code))",
        tuple(parameters),
    )


_COLUMNS = columns_of(Submission, "submission")


@dataclass(frozen=True, slots=True)
class SubmissionFilters:
    """What a list is narrowed by; None does not narrow."""

    indicator_code: str | None = None
    organization_code: str | None = None
    period: str | None = None
    state: str | None = None

    def conditions(self) -> list[tuple[str, str]]:
        """Return (column, value) of those given."""
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
) -> Sequence[Mapping[str, Any]]:
    """Return up to `limit` visible submissions of a plan, newest first, after the id `after`."""
    visible = visible_to(actor, first=1)
    parameters: list[object] = [*visible.parameters, plan_code]
    sql = f"SELECT {_COLUMNS} FROM submission WHERE {visible.sql}"  # noqa: S608 (text of our own)
    sql += f" AND plan_code = ${len(parameters)}"
    for column, value in filters.conditions():
        parameters.append(value)
        sql += f" AND {_seen_column(actor, column)} = ${len(parameters)}"
    if after is not None:
        parameters.append(after)
        sql += f" AND id < ${len(parameters)}"
    parameters.append(limit)
    sql += f" ORDER BY id DESC LIMIT ${len(parameters)}"
    return await _as_seen(connection, actor, await connection.fetch(sql, *parameters))


async def one(
    connection: asyncpg.Connection, actor: Actor, submission_id: UUID
) -> Mapping[str, Any] | None:
    """Return one visible submission."""
    visible = visible_to(actor, first=2)
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM submission WHERE id = $1 AND {visible.sql}",  # noqa: S608
        submission_id,
        *visible.parameters,
    )
    return next(iter(await _as_seen(connection, actor, rows)), None)


def _seen_column(actor: Actor, column: str) -> str:
    """Return what a filter compares: for the superior all that it sees is approved."""
    if column == "state" and actor.role == "superior":
        return "'approved'::text"
    return f"submission.{column}"


_APPROVED = """
WITH approved AS (
    SELECT DISTINCT ON (submission_id) submission_id, version, after, reason, occurred_at
    FROM submission_history
    WHERE city_code = $1 AND submission_id = ANY($2) AND after->>'state' = 'approved'
    ORDER BY submission_id, version DESC
)
SELECT approved.*, max(h.occurred_at) FILTER (WHERE h.action = 'submitted') AS submitted_at,
    max(h.occurred_at) FILTER (WHERE h.action = 'approved') AS decided_at
FROM approved JOIN submission_history h ON h.city_code = $1
    AND h.submission_id = approved.submission_id AND h.version <= approved.version
GROUP BY approved.submission_id, approved.version, approved.after, approved.reason,
    approved.occurred_at
"""
"""What submissions were when they were last approved, or found falsified after that."""


async def _as_seen(
    connection: asyncpg.Connection, actor: Actor, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return rows as the caller sees them.

    While an approved submission is corrected, the approved revision counts, and it is what the
    superior goes on seeing; the figures worked on are not its business.
    """
    corrected = [row["id"] for row in rows if row["state"] != "approved"]
    if actor.role != "superior" or not corrected:
        return rows
    found = await connection.fetch(_APPROVED, actor.city_code, corrected)
    approved = {row["submission_id"]: _approved(row) for row in found}
    return [{**row, **approved.get(row["id"], {})} for row in rows]


def _approved(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns of a submission that its history tells of an approved version."""
    told = from_json(row["after"])
    numbers = {
        name: None if told[name] is None else Decimal(told[name])
        for name in ("value", "numerator", "denominator")
    }
    dates = {name: row[name] for name in ("submitted_at", "decided_at")}
    return {
        **told,
        **numbers,
        **dates,
        "version": row["version"],
        "reason": row["reason"],
        "updated_at": row["occurred_at"],
    }


async def for_update(session: AsyncSession, actor: Actor, submission_id: UUID) -> Submission | None:
    """Return one visible submission, locked until the transaction ends."""
    visible = visible_to(actor, first=1)
    condition, names = visible.sql, {}
    for number, parameter in enumerate(visible.parameters, start=1):
        condition = condition.replace(f"${number}", f":scope_{number}")
        names[f"scope_{number}"] = parameter
    return await session.scalar(
        select(Submission)
        .where(Submission.id == submission_id, text(condition).bindparams(**names))
        .with_for_update()
    )


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

    The superior sees approvals and what was found falsified, and no work between them.
    """
    wanted = select(SubmissionHistory).where(
        SubmissionHistory.city_code == city_code,
        SubmissionHistory.submission_id == submission_id,
        SubmissionHistory.version > after,
    )
    if actor.role == "superior":
        wanted = wanted.where(SubmissionHistory.after["state"].astext == "approved")
    return (await session.scalars(wanted.order_by(SubmissionHistory.version).limit(limit))).all()


_FOR_SUPERIOR = ("submission.approved", "submission.falsified")
"""The events that change what the superior sees."""


async def changed_after(
    connection: asyncpg.Connection,
    actor: Actor,
    *,
    plan_code: str,
    filters: SubmissionFilters,
    position: int,
    limit: int,
) -> tuple[Sequence[Mapping[str, Any]], int, bool]:
    """Return visible submissions changed after a log position, and the position to go on from.

    The third part says whether more follow. Each row has `position`, that of its last change
    among those read. A filter by state is left to the caller: what was withdrawn or came into
    another state is there too, so that it can be told that it left the list.
    """
    visible = visible_to(actor, first=5)
    heard = _FOR_SUPERIOR if actor.role == "superior" else None
    parameters: list[object] = [actor.city_code, position, limit, heard]
    parameters += [*visible.parameters, plan_code]
    narrowed = f"{visible.sql} AND submission.plan_code = ${len(parameters)}"
    for column, value in filters.conditions():
        if column != "state":
            parameters.append(value)
            narrowed += f" AND submission.{column} = ${len(parameters)}"
    rows = await connection.fetch(
        f"""
        WITH changes AS (
            -- One look-up for each number, however little is known of the table of events.
            SELECT position, type, subject_id, subject_kind, plan_code
            FROM (
                SELECT position, event_id FROM event_position
                WHERE city_code = $1 AND position > $2 ORDER BY position LIMIT $3
            ) AS numbers
            CROSS JOIN LATERAL (
                SELECT type, subject_id, subject_kind, plan_code FROM event
                WHERE city_code = $1 AND id = event_id LIMIT 1
            ) AS told
            ORDER BY position
        ), last AS (
            SELECT max(position) AS position, subject_id::uuid AS id FROM changes
            WHERE subject_kind = 'submission' AND ($4::text[] IS NULL OR type = ANY($4))
            GROUP BY subject_id
        )
        SELECT last.position, {_COLUMNS},
            (SELECT max(position) FROM changes) AS read_to,
            (SELECT count(*) FROM changes) AS read_count
        FROM (SELECT 1) AS always
        LEFT JOIN (last JOIN submission ON submission.id = last.id AND {narrowed}) ON TRUE
        ORDER BY last.position
        """,  # noqa: S608
        *parameters,
    )
    read_to = rows[0]["read_to"] or position
    found = [row for row in rows if row["id"] is not None]
    return await _as_seen(connection, actor, found), read_to, rows[0]["read_count"] == limit


async def slot_holder(connection: asyncpg.Connection, row: Mapping[str, Any]) -> str | None:
    """Return the id of the submission that has this row's place."""
    found = await connection.fetchval(
        "SELECT id FROM submission WHERE city_code = $1 AND plan_code = $2"
        " AND indicator_code = $3 AND organization_code = $4 AND period = $5"
        " AND state <> 'withdrawn'",
        row["city_code"],
        row["plan_code"],
        row["indicator_code"],
        row["organization_code"],
        row["period"],
    )
    return str(found) if found else None


async def earlier_reply(
    connection: asyncpg.Connection, request: RequestKey
) -> Mapping[str, Any] | None:
    """Return the reply stored under a request's key."""
    row: Mapping[str, Any] | None = await connection.fetchrow(
        "SELECT request_digest, status, body, etag, location FROM stored_reply"
        " WHERE city_code = $1 AND credential_id = $2 AND key = $3",
        request.city_code,
        request.credential_id,
        request.key,
    )
    return row

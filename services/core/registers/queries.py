"""Queries of registers. A caller's queries always start from the condition on what it may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Uuid, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import Event, EventPosition
from services.core.events.queries import check_position
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.plan.register_entries import Register
from services.core.plan.visibility import Owned, scope
from services.core.registers import statements
from services.core.registers.models import RegisterRow, RegisterRowHistory
from services.core.registers.rules import STANDING, Row

ROWS = Owned(
    city="register_row.city_code",
    plan="register_row.plan_code",
    unit="register_row.organization_code",
    register="register_row.register_code",
    approved="register_row.counted IS NOT NULL",
)
"""The owners of a row: the unit that keeps it, and those that lead its register. Callers limited to
approved data see a row as it was last confirmed (`_as_seen`)."""

_APPROVED = ("confirmed", "ended", "revoked")


@dataclass(frozen=True, slots=True)
class RowFilters:
    """The filters of a list; None does not filter.

    `value` is the text in `column`; `valid_on` a day on which confirmed contents count.
    """

    organization_code: str | None = None
    state: str | None = None
    column: str | None = None
    value: str | None = None
    valid_on: date | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set, as text."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: str(value) for name, value in given.items() if value is not None}

    def conditions(self, actor: Actor) -> list[ColumnElement[bool]]:
        """Return the SQL conditions on rows, by what the caller sees of them."""
        said, state = _seen_columns(actor)
        found: list[ColumnElement[bool]] = []
        if self.organization_code is not None:
            found.append(RegisterRow.organization_code == self.organization_code)
        if self.state is not None:
            found.append(state == self.state)
        if self.column is not None:
            found.append(said[self.column].astext == self.value)
        if self.valid_on is not None:
            found += counts_within(self.valid_on, self.valid_on)
        return found


def _seen_columns(actor: Actor) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return a row's contents and its state as the caller sees them, as SQL."""
    if actor.reach is not Reach.APPROVED:
        return RegisterRow.cells.expression, RegisterRow.state.expression
    corrected = RegisterRow.state == "draft"
    return RegisterRow.counted.expression, case((corrected, "confirmed"), else_=RegisterRow.state)


def counts_within(first: date, last: date) -> list[ColumnElement[bool]]:
    """Return the conditions on rows that count on a day from `first` to `last`."""
    return [
        RegisterRow.counted.is_not(None),
        RegisterRow.state != "withdrawn",
        or_(RegisterRow.valid_from.is_(None), RegisterRow.valid_from <= last),
        or_(RegisterRow.valid_to.is_(None), RegisterRow.valid_to >= first),
        or_(RegisterRow.ended_on.is_(None), RegisterRow.ended_on > first),
    ]


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    register_code: str,
    filters: RowFilters,
    after: UUID | None,
    limit: int,
) -> Sequence[RegisterRow]:
    """Return up to `limit` visible rows of a register, newest first, after the id `after`.

    Withdrawn rows are left out unless the state is asked for.
    """
    wanted = select(RegisterRow).where(
        scope(actor, ROWS).clause,
        RegisterRow.plan_code == plan_code,
        RegisterRow.register_code == register_code,
        *filters.conditions(actor),
    )
    if filters.state is None:
        wanted = wanted.where(RegisterRow.state != "withdrawn")
    if after is not None:
        wanted = wanted.where(RegisterRow.id < after)
    found = await session.scalars(wanted.order_by(RegisterRow.id.desc()).limit(limit))
    return await _as_seen(session, actor, found.all())


async def _as_seen(
    session: AsyncSession, actor: Actor, rows: Sequence[RegisterRow]
) -> Sequence[RegisterRow]:
    """Return rows as the caller sees them; rows that differ for the caller are copies.

    While a confirmed row is being corrected, its confirmed contents count. Callers limited to
    confirmed data still see those, and nothing of the correction.
    """
    corrected = [row.id for row in rows if row.state == "draft"]
    if actor.reach is not Reach.APPROVED or not corrected:
        return rows
    asked = {"city": actor.city_code, "ids": corrected}
    found = await session.execute(statements.LAST_CONFIRMED, asked)
    confirmed = {one.row_id: one for one in found}
    return [_as_confirmed(row, confirmed[row.id]) if row.state == "draft" else row for row in rows]


def _as_confirmed(row: RegisterRow, told: Any) -> RegisterRow:
    """Return a row under correction as last confirmed; `told` is that change from its history."""
    same = {column.key: getattr(row, column.key) for column in RegisterRow.__table__.columns}
    return RegisterRow(
        **{
            **same,
            "state": "confirmed",
            "cells": row.counted,
            "version": told.version,
            "reason": told.reason,
            "updated_at": told.occurred_at,
        }
    )


async def kept_by(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    register_code: str,
    organization_code: str,
    limit: int,
) -> Sequence[RegisterRow]:
    """Return up to `limit` visible rows of a unit that hold their keys, oldest first."""
    found = await session.scalars(
        select(RegisterRow)
        .where(
            scope(actor, ROWS).clause,
            RegisterRow.plan_code == plan_code,
            RegisterRow.register_code == register_code,
            RegisterRow.organization_code == organization_code,
            RegisterRow.state.in_(sorted(STANDING)),
        )
        .order_by(RegisterRow.id)
        .limit(limit)
    )
    return found.all()


async def one(session: AsyncSession, actor: Actor, row_id: UUID) -> RegisterRow | None:
    """Return one visible row."""
    found = await session.scalars(
        select(RegisterRow).where(RegisterRow.id == row_id, scope(actor, ROWS).clause)
    )
    return next(iter(await _as_seen(session, actor, found.all())), None)


async def for_update(session: AsyncSession, actor: Actor, row_id: UUID) -> RegisterRow | None:
    """Return one visible row, locked until the transaction ends."""
    return await session.scalar(
        select(RegisterRow)
        .where(RegisterRow.id == row_id, scope(actor, ROWS).clause)
        .with_for_update()
    )


async def locked(
    session: AsyncSession, actor: Actor, plan_code: str, ids: Sequence[UUID]
) -> dict[UUID, Row]:
    """Return the visible rows among some ids, by id, locked in a fixed order."""
    found = await session.execute(
        select(RegisterRow.__table__)
        .where(
            scope(actor, ROWS).clause,
            RegisterRow.plan_code == plan_code,
            RegisterRow.id.in_(ids),
        )
        .order_by(RegisterRow.id)
        .with_for_update()
    )
    return {row["id"]: dict(row) for row in found.mappings()}


async def taken_ids(session: AsyncSession, city_code: str, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of some ids belong to rows of the city, visible or not."""
    if not ids:
        return frozenset()
    found = await session.scalars(
        select(RegisterRow.id).where(RegisterRow.city_code == city_code, RegisterRow.id.in_(ids))
    )
    return frozenset(found)


async def history(
    session: AsyncSession, actor: Actor, city_code: str, row_id: UUID, *, after: int, limit: int
) -> Sequence[RegisterRowHistory]:
    """Return the changes of a visible row that the caller may see, oldest first.

    Callers limited to approved data see no drafts between.
    """
    wanted = select(RegisterRowHistory).where(
        RegisterRowHistory.city_code == city_code,
        RegisterRowHistory.row_id == row_id,
        RegisterRowHistory.version > after,
    )
    if actor.reach is Reach.APPROVED:
        wanted = wanted.where(RegisterRowHistory.after["state"].astext.in_(_APPROVED))
    return (await session.scalars(wanted.order_by(RegisterRowHistory.version).limit(limit))).all()


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Changed rows, each with the position of its last change, and the position reached."""

    found: Sequence[tuple[int, RegisterRow]]
    position: int
    more: bool


async def changed_after(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    register_code: str | None,
    filters: RowFilters,
    position: int,
    limit: int,
) -> ChangedRows:
    """Return visible rows of a register, or of all, that changed after a log position.

    The caller applies filters on mutable columns, because it reports the rows that left the list.

    Raises:
        PositionBeyondLog: there is no such position.
    """
    read = (
        select(
            EventPosition.position,
            Event.subject_id,
            Event.subject_kind,
            Event.plan_code,
            Event.data["state"].astext.label("state"),
        )
        .join(
            Event,
            and_(Event.city_code == EventPosition.city_code, Event.id == EventPosition.event_id),
        )
        .where(EventPosition.city_code == actor.city_code, EventPosition.position > position)
        .order_by(EventPosition.position)
        .limit(limit)
        .cte("read")
    )
    upto, number = (await session.execute(select(func.max(read.c.position), func.count()))).one()
    if not number:
        await check_position(session, actor.city_code, position)
    changes = (
        select(
            func.max(read.c.position).label("position"), cast(read.c.subject_id, Uuid).label("id")
        )
        .where(read.c.subject_kind == "register_row", *_heard(actor, read))
        .group_by(read.c.subject_id)
        .subquery()
    )
    unit = RowFilters(organization_code=filters.organization_code)
    rows = await session.execute(
        select(changes.c.position, RegisterRow)
        .join(changes, changes.c.id == RegisterRow.id)
        .where(
            scope(actor, ROWS).clause,
            RegisterRow.plan_code == plan_code,
            *([] if register_code is None else [RegisterRow.register_code == register_code]),
            *unit.conditions(actor),
        )
        .order_by(changes.c.position)
    )
    told = list(rows)
    seen = await _as_seen(session, actor, [row for _, row in told])
    places = [at for at, _ in told]
    return ChangedRows(list(zip(places, seen, strict=True)), upto or position, number == limit)


def _heard(actor: Actor, read: CTE) -> list[ColumnElement[bool]]:
    """Return the conditions on events of rows that change what the caller sees of them."""
    return [read.c.state != "draft"] if actor.reach is Reach.APPROVED else []


async def standing(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    register_code: str,
    keys: Sequence[str],
    *,
    locked: bool = True,
) -> Mapping[str, Row]:
    """Return the rows of a register that hold some keys, by key; with `locked` under a row lock."""
    given: dict[str, Any] = {"city": city_code, "plan": plan_code, "register": register_code}
    wanted = statements.STANDING_HELD if locked else statements.STANDING
    found = await session.execute(wanted, {**given, "keys": list(keys)})
    return {row["key"]: dict(row) for row in found.mappings()}


async def keyed_otherwise(
    session: AsyncSession, city_code: str, plan_code: str, register: Register
) -> int:
    """Return how many rows hold a key that differs from the key that the register now makes."""
    columns = [register.column(code) for code in register.key]
    given = {
        "city": city_code,
        "plan": plan_code,
        "register": register.code,
        "codes": list(register.key),
        "types": ["text" if one is None else one.type for one in columns],
    }
    return await session.scalar(statements.KEYED_OTHERWISE, given) or 0


async def saying(
    session: AsyncSession, city_code: str, plan_code: str, register_code: str, column: str
) -> int:
    """Return how many rows of a register that hold their keys have a value in a column."""
    given = {"city": city_code, "plan": plan_code, "register": register_code, "column": column}
    return await session.scalar(statements.SAYING, given) or 0


async def measured(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    codes: Collection[str],
    other_units: Collection[str],
) -> Mapping[str, int]:
    """Return how many numbers of some indicators exist: reported, observed and not withdrawn.

    For those with a changed unit (`other_units`) it also counts targets assigned in the old one.
    """
    found = await session.execute(
        statements.MEASURED,
        {
            "city": city_code,
            "plan": plan_code,
            "codes": sorted(codes),
            "other_units": sorted(other_units),
        },
    )
    return {row.code: row.number for row in found}

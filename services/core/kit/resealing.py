"""Sealing anew, with today's key and cipher, what the database holds sealed, while all goes on.

A value is changed only if it is still what was read, so that whoever changes it meanwhile wins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.sealing import CannotUnseal, Seal

AT_ONCE = 500
"""Rows of one transaction."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, in a table with `city_code` and `id`."""

    table: str
    column: str
    context: Callable[[UUID], str]


@dataclass(frozen=True, slots=True)
class Resealed:
    """What came of some rows: how many were read, sealed anew, and cannot be opened."""

    read: int = 0
    renewed: int = 0
    unreadable: int = 0
    last: UUID | None = None

    def plus(self, other: "Resealed") -> "Resealed":
        """Return both together."""
        return Resealed(
            self.read + other.read,
            self.renewed + other.renewed,
            self.unreadable + other.unreadable,
            other.last or self.last,
        )


async def reseal(
    session: AsyncSession, sealed: SealedColumn, city_code: str, seal: Seal, *, after: UUID | None
) -> Resealed:
    """Seal anew what is not current among the next rows of a city; `last` is None at the end."""
    rows = (
        await session.execute(
            text(
                f'SELECT id, "{sealed.column}" AS value FROM "{sealed.table}"'  # noqa: S608 (names of our own)
                " WHERE city_code = :city AND (CAST(:after AS uuid) IS NULL OR id > :after)"
                " ORDER BY id LIMIT :most"
            ),
            {"city": city_code, "after": after, "most": AT_ONCE},
        )
    ).all()
    found, renewed, unreadable = [], [], 0
    for row in rows:
        if not seal.is_current(row.value):
            context = sealed.context(row.id)
            try:
                plain = seal.unseal(row.value, context)
            except CannotUnseal:
                unreadable += 1
            else:
                found.append(row)
                renewed.append(seal.seal(plain, context))
    await _write(session, sealed, city_code, found, renewed)
    last = rows[-1].id if len(rows) == AT_ONCE else None
    return Resealed(len(rows), len(renewed), unreadable, last)


async def _write(
    session: AsyncSession,
    sealed: SealedColumn,
    city_code: str,
    rows: Sequence[Row[Any]],
    renewed: Sequence[bytes],
) -> None:
    if not rows:
        return
    await session.execute(
        text(
            f'UPDATE "{sealed.table}" AS kept SET "{sealed.column}" = given.renewed'  # noqa: S608 (as above)
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:old AS bytea[]), CAST(:renewed AS bytea[]))"
            " AS given (id, old, renewed)"
            " WHERE kept.city_code = :city AND kept.id = given.id"
            f' AND kept."{sealed.column}" = given.old'
        ),
        {
            "city": city_code,
            "ids": [row.id for row in rows],
            "old": [row.value for row in rows],
            "renewed": list(renewed),
        },
    )

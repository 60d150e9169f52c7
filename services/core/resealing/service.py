"""Re-encrypts a part of a column in one transaction, skipping values that change meanwhile."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.sealing import CannotUnseal, Seal
from services.core.resealing.columns import SealedColumn
from services.core.resealing.statements import next_rows, renew

AT_ONCE = 500
"""Rows per transaction."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """The result for some rows: how many were read, re-encrypted, and unreadable.

    `last` is the id to continue after; None: there are no more.
    """

    read: int = 0
    renewed: int = 0
    unreadable: int = 0
    last: UUID | None = None

    def plus(self, later: "Resealed") -> "Resealed":
        """Return the sum of both, to continue after the later one."""
        return Resealed(
            self.read + later.read,
            self.renewed + later.renewed,
            self.unreadable + later.unreadable,
            later.last,
        )


async def reseal(
    session: AsyncSession, sealed: SealedColumn, city_code: str, seal: Seal, *, after: UUID | None
) -> Resealed:
    """Re-encrypt the next rows of a city whose key or cipher is not current.

    A value is written only if it is still the one that was read, so concurrent changes win.
    """
    where = {"city": city_code, "after": after, "most": AT_ONCE}
    rows = (await session.execute(next_rows(sealed.table, sealed.column), where)).all()
    old, renewed, unreadable = [], [], 0
    for row in rows:
        if seal.is_current(row.value):
            continue
        context = sealed.context(row.id)
        try:
            plain = seal.unseal(row.value, context)
        except CannotUnseal:
            unreadable += 1
        else:
            old.append(row)
            renewed.append(seal.seal(plain, context))
    if renewed:
        await session.execute(
            renew(sealed.table, sealed.column),
            {
                "city": city_code,
                "ids": [row.id for row in old],
                "old": [row.value for row in old],
                "renewed": renewed,
            },
        )
    last = rows[-1].id if len(rows) == AT_ONCE else None
    return Resealed(len(rows), len(renewed), unreadable, last)

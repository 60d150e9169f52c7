"""Writes packages to a disc: finds the next, and notes that it is there.

A number is stored before its file exists, so a process that is killed or cannot write loses none.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.sealing import Seal
from services.core.packages import queries
from services.core.packages.models import CarriedPackage, PackagePeer
from services.core.packages.service import make_package
from services.core.packages.statements import WRITTEN


async def next_to_write(
    session: AsyncSession, peer: PackagePeer, *, seal: Seal, now: datetime
) -> CarriedPackage | None:
    """Return the first package for a locked peer that was not written yet, or else make the next.

    None: there is nothing to write. After writing it call `note_written`; after a crash before
    that, the same bytes are returned again.
    """
    waiting = await queries.first_unwritten(session, peer)
    if waiting is None and await make_package(session, peer, seal=seal, now=now) is not None:
        waiting = await queries.first_unwritten(session, peer)
    return waiting


async def carry_whole(session: AsyncSession, peer: PackagePeer, *, now: datetime) -> None:
    """Make the next packages for a locked peer carry all present figures, even if carried before.

    The peer gets again what it refused; it answers `unchanged` to what it has already.
    """
    peer.out_position = peer.out_reached = 0
    peer.updated_at = now
    await session.flush()


async def note_written(
    session: AsyncSession, peer: PackagePeer, number: int, *, now: datetime
) -> None:
    """Note that the file of a package is written."""
    given = {"city": peer.city_code, "peer": peer.id, "number": number, "now": now}
    await session.execute(WRITTEN, given)

"""Chooses the database server of a request by the position its caller sent in `Wufei-Position`.

A GET may be answered by a replica; all else by the primary. Every response carries the position of
the database's log that its caller may have read or written. A later request that sends it back, to
any process, reads nothing older.
"""

import re
from functools import partial

from fastapi import Request

from services.api.metrics import READS
from services.api.request_context import context_of
from services.core.events.queries import log_position
from services.core.identity.actor import Actor
from services.core.kit.database import Database
from services.core.kit.replicas import NOT_KNOWN, Need, Reads

POSITION = "Wufei-Position"
_WAL = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_OF_LOG = re.compile(r"[0-9]{1,18}")


async def choose_server(request: Request, actor: Actor) -> None:
    """Choose the server that a known caller's request reads from."""
    reads: Reads = request.app.state.resources.reads
    if reads.replicas and request.method == "GET":
        await reads.choose(_caller(actor), _need(request.headers.get(POSITION), actor))


async def position_seen(request: Request) -> str | None:
    """Return the position that a request has read or written, for its response; None: unknown."""
    reads: Reads = request.app.state.resources.reads
    actor = context_of(request).actor
    if actor is None or not reads.replicas:
        return None
    READS.labels(reads.server).inc()
    place = await reads.seen(_caller(actor))
    return None if place is None else f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def _caller(actor: Actor) -> tuple[str, str]:
    return actor.city_code, str(actor.credential_id)


def _need(said: str | None, actor: Actor) -> Need:
    """Return the position that a caller needs: an earlier response's, or one of its city's log.

    Any other value asks for the newest data.
    """
    if said is None:
        return Need()
    said = said.strip()
    if wal := _WAL.fullmatch(said):
        return Need(place=(int(wal[1], 16) << 32) + int(wal[2], 16))
    if _OF_LOG.fullmatch(said):
        return Need(reached=partial(_reached, actor.city_code, int(said)))
    return Need(place=NOT_KNOWN)


async def _reached(city_code: str, position: int, database: Database) -> bool:
    async with database.sessions() as session:
        return await log_position(session, city_code) >= position

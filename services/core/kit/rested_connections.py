"""Tests a pooled connection that was idle before it is used; one in steady use is not tested.

A restarted server leaves dead connections in a pool. Most are known to be closed without asking; a
round trip finds the rest. That costs as much as a statement, so a connection that was used within
the last half second is not tested. If its server has died since, the statement fails as it would in
mid-use, which callers have to expect anyway.
"""

import time
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

ALIVE = "SELECT"
"""The statement that tests an idle connection."""

_RESTED_SECONDS = 0.5

_SINCE = "wufei_rested_since"

_DEAD = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def try_rested(engine: AsyncEngine) -> None:
    """Make an engine's pool test idle connections, and replace the dead ones."""
    event.listen(engine.sync_engine, "checkin", _put_back)
    event.listen(engine.sync_engine, "checkout", _taken_out)


def _put_back(_connection: Any, record: Any) -> None:
    record.info[_SINCE] = time.monotonic()


def _taken_out(connection: Any, record: Any, _holder: Any) -> None:
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    since = record.info.get(_SINCE)
    if since is None or time.monotonic() - since < _RESTED_SECONDS:
        return
    try:
        connection.run_async(_ask)
    except _DEAD as error:
        raise InvalidatePoolError from error


async def _ask(connection: asyncpg.Connection) -> None:
    """Make one round trip, with a message that poolers in transaction mode forward by itself."""
    await connection.execute(ALIVE)

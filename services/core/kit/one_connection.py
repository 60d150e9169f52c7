"""At most one database connection per unit of work: asking for a second is refused at once.

A unit that waits for a second connection while it holds one can deadlock: as many such callers as
the pool has connections stop the whole process. So the pools themselves refuse, on the first such
call and not only under load.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from typing_extensions import override

# SQLAlchemy names a pool's logger by the module of its class; it keeps its own quiet likewise.
logging.getLogger(__name__).setLevel(logging.WARNING)


class SecondConnection(RuntimeError):
    """A request or job asked for a connection while it holds one: a fault of this program."""


class _Unit:
    """A request, a job, or whatever else runs by itself; `whole` with all tasks that it starts."""

    __slots__ = ("committed", "holds", "whole")

    def __init__(self, *, whole: bool) -> None:
        self.committed = False
        self.holds = False
        self.whole = whole


_present: ContextVar[_Unit | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Make what runs inside one unit of its own, together with the tasks that it starts."""
    token = _present.set(_Unit(whole=True))
    try:
        yield
    finally:
        _present.reset(token)


def has_committed() -> bool:
    """Return whether a transaction of this unit of work was committed: it may have written.

    What runs on the bare pool is not seen: its writes are single statements, each the last of
    its unit.
    """
    unit = _present.get()
    return unit is not None and unit.committed


def _take() -> _Unit:
    unit = _present.get()
    if unit is not None and unit.holds:
        raise SecondConnection(
            "a unit of work that holds a connection asked for a second one: read what is needed"
            " before the session opens, or in it"
        )
    if unit is None or not unit.whole:
        # A task keeps the unit it was started in, which may be another's by now.
        unit = _Unit(whole=False)
        _present.set(unit)
    unit.holds = True
    return unit


_UNIT = "wufei_unit"


class OneEachQueue(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which gives a unit of work no second connection.

    `waiting` is how much work asks for a connection now and has none yet.
    """

    waiting = 0

    @override
    def connect(self) -> PoolProxiedConnection:
        unit = _take()
        self.waiting += 1
        try:
            connection = super().connect()
        # A cancellation too: whoever got nothing must not count as holding a connection.
        except BaseException:
            unit.holds = False
            raise
        finally:
            self.waiting -= 1
        if connection.record_info is not None:
            connection.record_info[_UNIT] = unit
        return connection


def watch_units(engine: AsyncEngine) -> None:
    """Note when a unit of work commits on an engine with a `OneEachQueue`, and gives back."""
    event.listen(engine.sync_engine, "checkin", _given_back)
    event.listen(engine.sync_engine, "commit", _committed)


def _committed(_connection: Any) -> None:
    unit = _present.get()
    if unit is not None:
        unit.committed = True


def _given_back(_connection: Any, record: Any) -> None:
    unit = record.record_info.pop(_UNIT, None)
    if unit is not None:
        unit.holds = False


class OneEachPool(asyncpg.Pool):  # type: ignore[misc] # asyncpg has no types
    """asyncpg's pool, which gives a unit of work no second connection.

    `waiting` is how much work asks for a connection now and has none yet.
    """

    waiting = 0

    @override
    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[asyncpg.Connection]:
        unit = _take()
        try:
            async with super().acquire(timeout=timeout) as connection:
                yield connection
        finally:
            unit.holds = False

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

# SQLAlchemy names a pool's logger after the module of its class; its own are as quiet.
logging.getLogger(__name__).setLevel(logging.WARNING)


class SecondConnection(RuntimeError):
    """A unit of work asked for a second connection while it holds one: a bug in this program."""


class _Unit:
    """A request or a job; `whole`: including all tasks that it starts."""

    __slots__ = ("committed", "holds", "whole")

    def __init__(self, *, whole: bool) -> None:
        self.committed = False
        self.holds = False
        self.whole = whole


_present: ContextVar[_Unit | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Make the block one unit of work, together with the tasks that it starts."""
    token = _present.set(_Unit(whole=True))
    try:
        yield
    finally:
        _present.reset(token)


def has_committed() -> bool:
    """Return whether this unit of work has committed a transaction, and so may have written.

    The bare pool is not observed: its writes are single statements, each the last of its unit.
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
        # A task inherits the unit that it was started in, which may be busy by now.
        unit = _Unit(whole=False)
        _present.set(unit)
    unit.holds = True
    return unit


_UNIT = "wufei_unit"


class OneEachQueue(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which refuses a unit of work a second connection.

    `waiting` is how many units of work wait for a connection now.
    """

    waiting = 0

    @override
    def connect(self) -> PoolProxiedConnection:
        unit = _take()
        self.waiting += 1
        try:
            connection = super().connect()
        # A cancellation too: a unit that got no connection must not count as holding one.
        except BaseException:
            unit.holds = False
            raise
        finally:
            self.waiting -= 1
        if connection.record_info is not None:
            connection.record_info[_UNIT] = unit
        return connection


def watch_units(engine: AsyncEngine) -> None:
    """Record when units of work commit, and give back, on an engine with a `OneEachQueue`."""
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
    """asyncpg's pool, which refuses a unit of work a second connection.

    `waiting` is how many units of work wait for a connection now.
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

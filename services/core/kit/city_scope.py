"""The city in force: PostgreSQL shows the present work the rows of this city and no others.

Every statement of ours names its city itself. This is a second barrier behind that (ADR 0048):
connections carry the city, and the row-level security policies of every table with a `city_code`
compare it. Work that has set no city reads nothing and writes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from services.core.kit.statements import DriverStatement

SETTING = "wufei.city"
"""The PostgreSQL session setting that the row-level security policies compare with."""

NO_CITY = ""
EVERY_CITY = "*"
"""The value for the few reads across cities; it opens only the tables in `read_across`."""

ENTER = DriverStatement(f"SELECT set_config('{SETTING}', :city, false)")
"""The statement that sets the city of a server session."""

_city: ContextVar[str] = ContextVar("city", default=NO_CITY)


def city_in_force() -> str:
    """Return the code of the city in force, or `EVERY_CITY` or `NO_CITY`."""
    return _city.get()


def enter_city(city_code: str) -> None:
    """Set the city of the rest of this task; the caller has authorised it for that city."""
    _city.set(city_code)


@contextmanager
def in_city(city_code: str) -> Iterator[None]:
    """Set the city in force for the block."""
    token = _city.set(city_code)
    try:
        yield
    finally:
        _city.reset(token)


@contextmanager
def in_every_city() -> Iterator[None]:
    """Let the block read across cities; it cannot write."""
    with in_city(EVERY_CITY):
        yield


class ScopedConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A connection that sets the city in force before each statement.

    It does so only where the server has another one: an installation of one city pays nothing.
    """

    _entered: str | None = None
    """The city that the server session has; None: unknown."""

    _within_transaction = False
    """Whether the setting was made in a transaction, so that a rollback undoes it."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the server must be told the city before the next statement."""
        undone = self._within_transaction and not self.is_in_transaction()
        return undone or self._entered != _city.get()

    async def enter(self) -> None:
        """Set the city in force on the server, unless it has it already."""
        if not self.is_elsewhere:
            return
        wanted, self._entered = _city.get(), None
        await super().execute(*ENTER.bind({"city": wanted}))
        self._within_transaction = self.is_in_transaction()
        self._entered = wanted

    def forget_city(self) -> None:
        """Set the city again before the next statement."""
        self._entered = None

    @override
    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        # Without arguments it is BEGIN, COMMIT and the like, which need no city.
        if args:
            await self.enter()
        done: str = await super().execute(query, *args, **options)
        return done

    @override
    async def fetch(self, query: str, *args: Any, **options: Any) -> list[asyncpg.Record]:
        await self.enter()
        found: list[asyncpg.Record] = await super().fetch(query, *args, **options)
        return found

    @override
    async def fetchrow(self, query: str, *args: Any, **options: Any) -> asyncpg.Record | None:
        await self.enter()
        return await super().fetchrow(query, *args, **options)

    @override
    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        await self.enter()
        return await super().fetchval(query, *args, **options)


class UnscopedConnection(ScopedConnection):
    """A connection through a pooler in transaction mode, which sets no city.

    A setting would stay on a server connection that others use next. Row-level security has to be
    off there.
    """

    @property
    @override
    def is_elsewhere(self) -> bool:
        return False


async def enter_with(connection: asyncpg.Connection, city_code: str) -> None:
    """Set the city of a standalone connection from now on."""
    await connection.execute(*ENTER.bind({"city": city_code}))


def scope_statements(engine: AsyncEngine) -> None:
    """Make connections of an engine set the city in force before each statement.

    An event listener is needed because SQLAlchemy prepares statements itself and bypasses the
    methods of `ScopedConnection`.
    """
    event.listen(engine.sync_engine, "before_cursor_execute", _before)
    event.listen(engine.sync_engine, "rollback_savepoint", _rolled_back)


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _before(connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
    adapted = _raw(connection)
    # A failed transaction accepts nothing but ROLLBACK.
    if adapted.driver_connection.is_elsewhere and not statement.startswith("ROLLBACK"):
        adapted.run_async(ScopedConnection.enter)


def _rolled_back(connection: Connection, *_savepoint: Any) -> None:
    _raw(connection).driver_connection.forget_city()

"""Access to Postgres: metadata with named constraints, sessions, and a bare asyncpg pool.

Ordinary work goes through SQLAlchemy sessions, one transaction per request or job. The bare
asyncpg pool is for the few hot statements that are a transaction by themselves.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
from pydantic_core import to_json
from sqlalchemy import CursorResult, Executable, MetaData, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from typing_extensions import override

from services.core.kit.city_scope import ScopedConnection, UnscopedConnection, scope_statements
from services.core.kit.one_connection import OneEachPool, OneEachQueue, watch_units
from services.core.kit.outage import cause_in_words, is_away
from services.core.kit.rested_connections import try_rested
from services.core.kit.server_address import read_address

logger = logging.getLogger("wufei.core")

POOLED_SETTINGS: Mapping[str, str] = {"TimeZone": "UTC", "jit": "off", "lock_timeout": "10s"}
"""What the user of the database has set where a pooler lets no session begin with settings."""


class Base(DeclarativeBase):
    """Base of all tables; every constraint gets a name from its table and columns."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


async def rows_changed(
    session: AsyncSession, statement: Executable, given: Mapping[str, object] | None = None
) -> int:
    """Carry out a statement that changes or deletes rows, and return how many that were."""
    done = cast("CursorResult[Any]", await session.execute(statement, given))
    return int(done.rowcount)


async def driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the driver's connection inside the session's transaction, for the hot statements.

    SQLAlchemy opens the transaction with its first statement, so one must have been executed.
    """
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return raw.driver_connection


def columns_of(table: type[Base], name: str, *, without: tuple[str, ...] = ()) -> str:
    """Return the columns of a table that a statement calls `name`, each by its own name.

    `without` are left out: what only a change needs to know.

    Use it in place of `*`: when a migration adds a column, `*` means something else, and every
    statement that a running process has prepared fails.
    """
    columns = (column.name for column in table.__table__.columns if column.name not in without)
    return ", ".join(f"{name}.{column}" for column in columns)


@dataclass(frozen=True, slots=True)
class Database:
    """An open way to one database."""

    dsn: str
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    pool: OneEachPool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session inside one transaction: committed at the end, rolled back on error.

        What it was to notify of goes out when it is committed.
        """
        async with self.sessions() as session:
            async with session.begin():
                yield session
            await send_notices(session)


_NOTICES = "wufei_notices"

_NOTIFY = text("""
SELECT pg_notify(n.channel, n.payload)
FROM unnest(CAST(:channels AS text[]), CAST(:payloads AS text[])) AS n(channel, payload)
""")


def notify_after_commit(session: AsyncSession, channel: str, payload: str) -> None:
    """Have those who LISTEN told, once the transaction of a session is committed.

    A notification inside a transaction makes all that notify commit one after another, and cannot
    be part of a transaction over several nodes. One that is lost because the process died between
    the two is what a listener that was away has missed as well.
    """
    session.info.setdefault(_NOTICES, []).append((channel, payload))


async def send_notices(session: AsyncSession) -> None:
    """Send what `notify_after_commit` was given, in a statement by itself; call after a commit."""
    notices = session.info.pop(_NOTICES, [])
    if notices:
        channels, payloads = zip(*dict.fromkeys(notices), strict=True)
        alone = {"isolation_level": "AUTOCOMMIT"}
        given = {"channels": list(channels), "payloads": list(payloads)}
        try:
            connection = await session.connection(execution_options=alone)
            await connection.execute(_NOTIFY, given)
        except Exception as error:
            if not is_away(error):
                raise
            # What was committed stays so, and whoever asked for it is told so.
            logger.warning(
                "notice lost",
                extra={
                    "cause": cause_in_words(error),
                    "next": "kept answers are read anew after five seconds",
                },
            )


async def lock_name(session: AsyncSession, name: str, *, shared: bool = False) -> None:
    """Wait until no other transaction holds `name`, and hold it to the end of this one.

    Those that hold it `shared` do not wait for each other.
    """
    # Names share 64 bits of hash: two names may collide, and then only wait for each other.
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await session.execute(text(f"SELECT {function}(hashtextextended(:name, 0))"), {"name": name})


def is_taken(error: IntegrityError, index: str) -> bool:
    """Return whether a write failed because what a unique index keeps single was there already."""
    return index in str(error.orig)


async def read_by_hashing(session: AsyncSession) -> None:
    """Have the statements of this transaction planned without a loop inside a loop.

    For those that read all there is of something: each table once, whatever statistics there are.
    """
    await session.execute(
        text(
            "SELECT set_config('enable_seqscan', 'on', true),"
            " set_config('enable_hashjoin', 'on', true),"
            " set_config('enable_mergejoin', 'on', true),"
            " set_config('enable_nestloop', 'off', true)"
        )
    )


async def read_by_cost(session: AsyncSession) -> None:
    """Have the following statements of this transaction planned by their cost again."""
    await session.execute(
        text(
            "SELECT set_config('enable_seqscan', 'on', true),"
            " set_config('enable_hashjoin', 'on', true),"
            " set_config('enable_mergejoin', 'on', true),"
            " set_config('enable_nestloop', 'on', true)"
        )
    )


async def snapshot_of(session: AsyncSession) -> str:
    """Return the name of a transaction's snapshot, which others may read in until it ends."""
    found: str = (await session.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
    return found


async def takes_writes(session: AsyncSession) -> bool:
    """Return whether the server lets anybody write: a standby, or a database set so, does not."""
    return bool(await session.scalar(text("SHOW transaction_read_only")) == "off")


class PlainConnection(ScopedConnection):
    """A pooled connection that is given back without a round trip.

    What runs on it is single statements and transactions that leave nothing in the session but
    the city, so there is nothing to reset.
    """

    @override
    def get_reset_query(self) -> str:
        return ""


class _PlainUnscoped(PlainConnection, UnscopedConnection):
    pass


def _unnamed() -> str:
    return ""


def _json(value: Any) -> str:
    return to_json(value).decode()


REPLICA = "replica"
"""The key under which a session says that it reads from a replica."""

Check = Callable[[asyncpg.Connection], Awaitable[None]]
"""Looks at a connection that was just opened, and raises where it must not be used."""


def reads_replica(session: AsyncSession) -> bool:
    """Return whether a session reads from a replica: what it reads may be old."""
    return REPLICA in session.info


async def _checked(connection: asyncpg.Connection, check: Check) -> None:
    try:
        await check(connection)
    except BaseException:
        connection.terminate()
        raise


@asynccontextmanager
async def connect(
    dsn: str, *, size: int = 8, application_name: str = "wufei", replica: Check | None = None
) -> AsyncIterator[Database]:
    """Open `dsn` (`postgresql://…`) with at most `size` connections of either sort.

    A unit of work that holds a connection of either and asks for another is refused with
    `SecondConnection`. A `replica` need not answer yet; each connection to it is checked, and
    each session reads one snapshot.
    """
    settings = {
        "application_name": application_name,
        "timezone": "UTC",
        # Compiling a statement takes longer than running most of ours.
        "jit": "off",
        # Whoever waits longer for a row than a caller waits for an answer gives it up.
        "lock_timeout": "10s",
    }
    address = read_address(dsn)
    options = address.options(settings)

    async def opened(**more: Any) -> asyncpg.Connection:
        sort = UnscopedConnection if address.pooled else ScopedConnection
        connection = await asyncpg.connect(address.dsn, connection_class=sort, **options, **more)
        if replica is not None:
            await _checked(connection, replica)
        return connection

    # The address is the driver's to read, for SQLAlchemy knows few of its words.
    creating: dict[str, Any] = {"async_creator_fn": opened}
    # Behind a pooler in transaction mode the next statement may run on another server connection,
    # which knows none of the statements that this one prepared.
    if address.pooled:
        creating |= {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _unnamed}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=OneEachQueue,
        pool_size=size,
        max_overflow=0,
        pool_timeout=15,
        json_serializer=_json,
        connect_args={**creating, "command_timeout": 120 if replica is None else 15},
        **({} if replica is None else {"isolation_level": "REPEATABLE READ"}),
    )
    watch_units(engine)
    try_rested(engine)
    scope_statements(engine)
    try:
        async with OneEachPool(
            address.dsn,
            min_size=1 if replica is None else 0,
            max_size=size,
            init=replica,
            # A connection is renewed now and then: what the server keeps for it grows.
            max_queries=50_000,
            max_inactive_connection_lifetime=300,
            loop=None,
            record_class=asyncpg.Record,
            command_timeout=15,
            connection_class=_PlainUnscoped if address.pooled else PlainConnection,
            **options,
        ) as pool:
            # Objects are read after the commit, when a reload would need a second transaction; and
            # a statement of our own decides when changes are written, not a read that comes before.
            sessions = async_sessionmaker(
                engine,
                expire_on_commit=False,
                autoflush=False,
                info={} if replica is None else {REPLICA: True},
            )
            yield Database(dsn, engine, sessions, pool)
    finally:
        await engine.dispose()

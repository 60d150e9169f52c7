"""Access to Postgres: metadata with named constraints, sessions, and a bare asyncpg pool.

Ordinary work goes through SQLAlchemy sessions, one transaction per request or job. The bare
asyncpg pool is for the few hot statements that are a transaction by themselves.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
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
"""Settings to give the database user where a pooler does not let a session set them itself."""


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
    """Execute an UPDATE or DELETE and return how many rows it changed."""
    done = cast("CursorResult[Any]", await session.execute(statement, given))
    return int(done.rowcount)


async def driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the driver's connection inside the session's transaction, for the hot statements.

    SQLAlchemy opens the transaction with its first statement, so execute one before.
    """
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return raw.driver_connection


def columns_of(table: type[Base], name: str, *, without: tuple[str, ...] = ()) -> str:
    """Return the columns of a table that a statement aliases as `name`, for its select list.

    `without` are left out, such as columns that only an update needs.

    Use it in place of `*`: when a migration adds a column, `*` means something else, and every
    statement that a running process has prepared fails.
    """
    columns = (column.name for column in table.__table__.columns if column.name not in without)
    return ", ".join(f"{name}.{column}" for column in columns)


@dataclass(frozen=True, slots=True)
class Database:
    """The open connection pools of one database."""

    dsn: str
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    pool: OneEachPool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session inside one transaction: committed at the end, rolled back on error.

        Its notifications are sent after the commit.
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
    """Notify the channel's listeners once the session's transaction is committed.

    A notification inside a transaction would serialise all commits that notify, and cannot be part
    of a transaction over several nodes. If the process dies between the two, the notification is
    lost; a listener that was disconnected misses them as well.
    """
    session.info.setdefault(_NOTICES, []).append((channel, payload))


async def send_notices(session: AsyncSession) -> None:
    """Send the notifications of `notify_after_commit`, as one statement; call after a commit."""
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
            # The transaction stays committed, and the caller is told so.
            logger.warning(
                "notice lost",
                extra={
                    "cause": cause_in_words(error),
                    "next": "kept answers are read anew after five seconds",
                },
            )


async def lock_name(session: AsyncSession, name: str, *, shared: bool = False) -> None:
    """Take the transaction-level advisory lock on `name`, waiting for it.

    Holders of a `shared` lock do not wait for each other. Whoever waits keeps its connection, so
    those who wait for one name could take every connection of a process: a database opened with
    `name_patience` waits only that long for a name, and as long as ever for a row.
    """
    # Names share 64 bits of hash: two names may collide, and then only wait for each other.
    sort, given = ("_shared" if shared else ""), {"name": name}
    patience: timedelta | None = session.info.get(PATIENCE)
    wait = text(f"SELECT pg_advisory_xact_lock{sort}(hashtextextended(:name, 0))")
    if patience is None:
        await session.execute(wait, given)
        return
    take = text(f"SELECT pg_try_advisory_xact_lock{sort}(hashtextextended(:name, 0))")
    if await session.scalar(take, given):
        return
    await session.execute(_WAIT_FOR, {"longest": f"{patience // timedelta(milliseconds=1)}ms"})
    await session.execute(wait, given)
    await session.execute(_WAIT_FOR, {"longest": POOLED_SETTINGS["lock_timeout"]})


_WAIT_FOR = text("SELECT set_config('lock_timeout', :longest, true)")
PATIENCE = "name_patience"
"""What a session's `info` calls how long it waits for a name that another holds."""


def is_taken(error: IntegrityError, index: str) -> bool:
    """Return whether a write failed on the unique index `index`."""
    return index in str(error.orig)


async def read_by_hashing(session: AsyncSession) -> None:
    """Forbid nested loops in the rest of this transaction.

    For statements that read whole tables: each table once, whatever the statistics say.
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
    """Let the planner choose by cost again in the rest of this transaction."""
    await session.execute(
        text(
            "SELECT set_config('enable_seqscan', 'on', true),"
            " set_config('enable_hashjoin', 'on', true),"
            " set_config('enable_mergejoin', 'on', true),"
            " set_config('enable_nestloop', 'on', true)"
        )
    )


async def snapshot_of(session: AsyncSession) -> str:
    """Return the name of the transaction's exported snapshot, valid until it ends."""
    found: str = (await session.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
    return found


async def takes_writes(session: AsyncSession) -> bool:
    """Return whether the server accepts writes: a standby or a read-only database does not."""
    return bool(await session.scalar(text("SHOW transaction_read_only")) == "off")


class PlainConnection(ScopedConnection):
    """A pooled connection that is given back without a round trip.

    It runs only single statements and transactions that leave nothing in the session but the city,
    so there is nothing to reset.
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
"""The key in `session.info` that marks a session on a replica."""

Check = Callable[[asyncpg.Connection], Awaitable[None]]
"""Checks a newly opened connection, and raises if it must not be used."""


def reads_replica(session: AsyncSession) -> bool:
    """Return whether a session reads from a replica, so that its data may be stale."""
    return REPLICA in session.info


async def _checked(connection: asyncpg.Connection, check: Check) -> None:
    try:
        await check(connection)
    except BaseException:
        connection.terminate()
        raise


@asynccontextmanager
async def connect(
    dsn: str,
    *,
    size: int = 8,
    application_name: str = "wufei",
    replica: Check | None = None,
    name_patience: timedelta | None = None,
) -> AsyncIterator[Database]:
    """Open `dsn` (`postgresql://…`) with at most `size` connections in each of the two pools.

    A unit of work that holds a connection and asks for another is refused with `SecondConnection`.
    A `replica` need not answer yet; its check runs on each new connection, and each session reads
    one snapshot. `name_patience` limits how long a session waits in `lock_name`.
    """
    settings = {
        "application_name": application_name,
        "timezone": "UTC",
        # JIT compilation takes longer than most of our statements.
        "jit": "off",
        # A longer wait for a row lock would outlast the caller's patience.
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

    # The driver reads the address, because SQLAlchemy knows few of its parameters.
    creating: dict[str, Any] = {"async_creator_fn": opened}
    # Behind a pooler in transaction mode the next statement may run on another server connection,
    # which does not have the statements that this one prepared.
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
            # A connection is replaced now and then, because its caches on the server grow.
            max_queries=50_000,
            max_inactive_connection_lifetime=300,
            loop=None,
            record_class=asyncpg.Record,
            command_timeout=15,
            connection_class=_PlainUnscoped if address.pooled else PlainConnection,
            **options,
        ) as pool:
            # Objects are read after the commit, when a reload would need a second transaction; and
            # our code flushes explicitly, so a read must not.
            sessions = async_sessionmaker(
                engine,
                expire_on_commit=False,
                autoflush=False,
                info={PATIENCE: name_patience} | ({} if replica is None else {REPLICA: True}),
            )
            yield Database(dsn, engine, sessions, pool)
    finally:
        await engine.dispose()

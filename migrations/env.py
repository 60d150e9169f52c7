"""Runs the migrations, one runner at a time, and never waits long for anybody's lock."""

import asyncio
import os
import re
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.core.kit.schema import WORKS_SINCE
from services.core.kit.server_address import open_connection
from services.core.registry import metadata

_RUNNER = "hashtextextended('migrations', 0)"
_ASKED_AGAIN_SECONDS = 0.2
_PART = re.compile(r"_(first|rest|\d{4}(q\d|m\d\d))$")


def _include_name(name: str | None, kind: str, _parents: MutableMapping[Any, str | None]) -> bool:
    """Leave out the parts of a table cut by time: the table's model speaks for them."""
    return not (kind == "table" and name is not None and _PART.search(name))


def _note_head(_context: object, _revision: object, scripts: list[MigrationScript]) -> None:
    """Keep the newest revision in a file, so that two branches that both add one collide.

    `alembic check` asks for a revision too, without a message, and never writes it.
    """
    for script in scripts:
        if script.message is None:
            continue
        Path(__file__).with_name("HEAD").write_text(f"{script.rev_id}\n")


def _note_works_since(
    *, ctx: MigrationContext, step: MigrationInfo, heads: object, run_args: object
) -> None:
    """Write beside the revision which program is the oldest that works on it.

    A migration that breaks nothing for the release before says so as `works_since`.
    """
    del heads, run_args
    for reached in step.destination_revisions:
        if isinstance(reached, Script):
            oldest = getattr(reached.module, "works_since", reached.revision)
            ctx.execute(f"COMMENT ON TABLE alembic_version IS '{WORKS_SINCE}{oldest}'")


_OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "include_name": _include_name,
    "transaction_per_migration": True,
    "process_revision_directives": _note_head,
    "on_version_apply": _note_works_since,
}


def _offline() -> None:
    """Print the SQL for review in place of running it."""
    context.configure(dialect_name="postgresql", literal_binds=True, **_OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def _wait_for_the_other_runner(connection: Connection) -> None:
    """Wait until no other runner is at work, however long that is.

    It asks again and again: an index that is built beside the work waits for every statement that
    has begun, and one that waited for the lock would be one of them.
    """
    asked = text(f"SELECT pg_try_advisory_lock({_RUNNER})")
    while not connection.execute(asked).scalar():
        connection.rollback()
        time.sleep(_ASKED_AGAIN_SECONDS)


def _run(connection: Connection) -> None:
    _wait_for_the_other_runner(connection)
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    try:
        context.configure(connection=connection, **_OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text(f"SELECT pg_advisory_unlock({_RUNNER})"))
        connection.execute(text("RESET lock_timeout"))
        connection.commit()


async def _online() -> None:
    url = os.environ["DATABASE_URL"]
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: open_connection(url)
    )
    async with engine.connect() as connection:
        await connection.run_sync(_run)


if context.is_offline_mode():
    _offline()
elif (given := context.config.attributes.get("connection")) is not None:
    _run(given)
else:
    asyncio.run(_online())

"""Brings a database to this version's schema, or tells which it has; migrations/ says how."""

import asyncio
from argparse import Namespace

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.errors import ConsoleError
from services.console.running import database_url
from services.console.settings import PROJECT, Settings
from services.core.kit.outage import told_of
from services.core.kit.schema import DatabaseUnfit, expected_revision, require_version
from services.core.kit.server_address import open_connection


def run(_arguments: Namespace) -> int:
    """Migrate DATABASE_URL, or the embedded database that runs."""
    settings = Settings.read()
    url = settings.direct_url or database_url(settings)
    try:
        asyncio.run(upgrade(url))
    except DatabaseUnfit as error:
        raise ConsoleError(f"cannot migrate: {error}") from None
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        SQLAlchemyError,
    ) as error:
        raise ConsoleError(f"cannot migrate: {told_of(error)}") from None
    print(f"the schema is at {expected_revision()}")
    return 0


async def upgrade(url: str) -> None:
    """Run what `url` still lacks; a second caller waits for the first and finds nothing to do."""
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: open_connection(url)
    )
    await require_version(engine)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)


async def revision(url: str) -> str | None:
    """Return the revision a database is at; None before the first."""
    connection = await open_connection(url, timeout=5)
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, whatever the working directory."""
    configured = Config()
    folder = str(PROJECT / "migrations")
    configured.set_main_option("script_location", folder.replace("%", "%%"))
    configured.attributes["connection"] = connection
    return configured


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")

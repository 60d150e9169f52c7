"""Brings a database to this version's schema, or tells which it has; migrations/ says how."""

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.settings import PROJECT
from services.core.kit.schema import PRESENT, PresentSchema, require_version, schema_of
from services.core.kit.server_address import open_connection


async def upgrade(url: str) -> None:
    """Run what `url` still lacks; a second caller waits for the first and finds nothing to do."""
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: open_connection(url)
    )
    await require_version(engine)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)


async def schema(url: str) -> PresentSchema:
    """Return the schema that a database has."""
    connection = await open_connection(url, timeout=5)
    try:
        found = await connection.fetchrow(PRESENT)
    except asyncpg.UndefinedTableError:
        return PresentSchema()
    finally:
        await connection.close()
    return PresentSchema() if found is None else schema_of(*found)


async def revision(url: str) -> str | None:
    """Return the revision a database is at; None before the first."""
    return (await schema(url)).revision


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, whatever the working directory."""
    configured = Config()
    folder = str(PROJECT / "migrations")
    configured.set_main_option("script_location", folder.replace("%", "%%"))
    configured.attributes["connection"] = connection
    return configured


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")

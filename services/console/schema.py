"""Migrates a database to this version's schema, or reads its revision; migrations/ says how."""

from contextlib import suppress

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.settings import PROJECT
from services.core.append_only import append_only
from services.core.kit import city_wall
from services.core.kit.schema import PRESENT, PresentSchema, require_version, schema_of
from services.core.kit.server_address import open_connection
from services.core.kit.service_role import Login, admit
from services.core.read_across import READ_ACROSS


async def upgrade(url: str, *, service_url: str | None = None, alone: bool = False) -> None:
    """Run missing migrations on `url`; a concurrent caller waits, and then finds none.

    `url` is the owner's. If `service_url` names another user, that is the services' role, which is
    made if needed and given its rights. A new database gets row-level security by city where
    possible; an older one gets it if no older release works on it (`alone`). A database that has it
    gets it for new tables too.

    Raises:
        RoleUnfit: the user cannot be the services' role.
    """
    begins = alone or await revision(url) is None
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: open_connection(url)
    )
    await require_version(engine)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)
    if service_url is None or Login.of(service_url).name == Login.of(url).name:
        return
    owner = await open_connection(url)
    try:
        await admit(owner, Login.of(service_url), append_only=append_only())
        if begins:
            with suppress(city_wall.WallCannotStand):
                await city_wall.check_ground(owner, owner=url, service=service_url)
                await city_wall.put_up(owner, READ_ACROSS)
        elif (await city_wall.standing(owner)).guarded:
            await city_wall.put_up(owner, READ_ACROSS)
    finally:
        await owner.close()


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
    """Return a database's revision; None before the first migration."""
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

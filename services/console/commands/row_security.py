"""`wufei row-security`: switches the row-level security policies by city on or off."""

import asyncio
from argparse import Namespace

import asyncpg

from services.console.errors import ConsoleError
from services.console.running import owner_url
from services.console.settings import Settings
from services.core.kit.city_wall import (
    WallCannotStand,
    WallStanding,
    check_ground,
    put_up,
    standing,
    take_down,
)
from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection
from services.core.read_across import READ_ACROSS


def run(arguments: Namespace) -> int:
    """Switch row-level security on or off, as the owner, or print its state."""
    owner, service = owner_url(Settings.read())
    try:
        found = asyncio.run(_done(arguments.what, owner, service))
    except WallCannotStand as error:
        raise ConsoleError(f"row-level security stays off: {error}") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConsoleError(f"cannot work in the database: {told_of(error)}") from None
    print(f"row-level security is {_said(found)}")
    return 0


async def _done(what: str, owner: str, service: str | None) -> WallStanding:
    connection = await open_connection(owner)
    try:
        if what == "on":
            await check_ground(connection, owner=owner, service=service)
            await put_up(connection, READ_ACROSS)
        elif what == "off":
            await take_down(connection)
        return await standing(connection)
    finally:
        await connection.close()


def _said(found: WallStanding) -> str:
    if found.is_up:
        return f"on for all {found.tables} tables of cities"
    if not found.guarded:
        return "off"
    return f"on for {found.guarded} of {found.tables} tables of cities: say it again"

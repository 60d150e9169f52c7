"""`wufei drop`: writes events into numbered files, for systems that fetch files."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.ledger import Ledger, enter_city_meant, open_ledger
from services.core.drops import queries
from services.core.drops.errors import DropRefused
from services.core.drops.lifecycle import (
    DropRequest,
    close_drop,
    create_drop,
    drop_of,
    open_drop,
    write_again,
)
from services.core.identity.actor import operator


def create(arguments: Namespace) -> int:
    """Make a file drop for a folder from now on."""
    return asyncio.run(_create(arguments))


def close(arguments: Namespace) -> int:
    """Close a file drop."""
    return asyncio.run(_close(arguments))


def reopen(arguments: Namespace) -> int:
    """Reopen a closed drop where it stopped."""
    return asyncio.run(_reopen(arguments))


def again(arguments: Namespace) -> int:
    """Have the worker write a file again."""
    return asyncio.run(_again(arguments))


def show(arguments: Namespace) -> int:
    """Print every file drop, and its progress."""
    return asyncio.run(_show(arguments))


@asynccontextmanager
async def _desk(arguments: Namespace) -> AsyncIterator[tuple[Ledger, str, AsyncSession]]:
    """Yield the open ledger, the selected city, and a transaction."""
    async with open_ledger() as ledger:
        city_code = await enter_city_meant(ledger, arguments.city, terminal_language())
        try:
            async with ledger.database.transaction() as session:
                yield ledger, city_code, session
        except DropRefused as error:
            raise ConsoleError(f"{error.said.en} / {error.said.zh}") from None


async def _create(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, session):
        request = DropRequest(
            arguments.folder, arguments.owner, arguments.plan, tuple(arguments.type or ())
        )
        now = ledger.clock.true_now()
        made = await create_drop(session, city, request, actor=operator(city), now=now)
        print(f"{city}/{made.folder}: events after position {made.position}")
    return 0


async def _close(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, session):
        drop = await drop_of(session, city, arguments.folder)
        stamp, now = operator(city).stamp(), ledger.clock.true_now()
        await close_drop(session, drop, "manual", actor=stamp, now=now)
        print(f"{city}/{drop.folder}: closed after position {drop.position}")
    return 0


async def _reopen(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, session):
        drop = await drop_of(session, city, arguments.folder)
        stamp, now = operator(city).stamp(), ledger.clock.true_now()
        await open_drop(session, drop, arguments.owner, actor=stamp, now=now)
        print(f"{city}/{drop.folder}: goes on after position {drop.position}")
    return 0


async def _again(arguments: Namespace) -> int:
    async with _desk(arguments) as (_, city, session):
        drop = await drop_of(session, city, arguments.folder)
        await write_again(session, drop, arguments.number)
        print(f"{city}/{drop.folder}: a worker writes number {arguments.number} again")
    return 0


async def _show(arguments: Namespace) -> int:
    async with _desk(arguments) as (_, city, session):
        for one in await queries.drops(session, city):
            state = one.state if one.state_reason is None else f"{one.state} ({one.state_reason})"
            types = ", ".join(one.event_types) or "*"
            stands = f"{one.number}  {one.position}  {types}  {one.owner_id}"
            print(f"{city}/{one.folder}  {state}  {stands}")
    return 0

"""`wufei key create`, `list` and `revoke`, for whoever has the machine."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.errors import ConsoleError
from services.console.ledger import Ledger, open_ledger
from services.core.identity.actor import Actor, operator
from services.core.identity.giving import KeyRequest
from services.core.identity.models import ApiKey
from services.core.identity.queries import city_codes, organizations_by_code, visible_keys
from services.core.identity.service import create_key, key_to_revoke, revoke_key
from services.core.kit.city_scope import enter_city
from services.core.kit.said import in_one_line, trimmed
from services.core.plan.queries import visible_plans

_PAGE = 500


def create(arguments: Namespace) -> int:
    """Make a key and print its secret, which is shown only now."""
    return asyncio.run(_create(arguments))


def show_all(_arguments: Namespace) -> int:
    """Print every key, never a secret."""
    return asyncio.run(_list())


def revoke(arguments: Namespace) -> int:
    """Revoke a key; it stops working within five seconds."""
    return asyncio.run(_revoke(arguments.id))


async def _create(arguments: Namespace) -> int:
    async with open_ledger() as ledger:
        actor = await _operator(ledger)
        async with ledger.database.transaction() as session:
            city_code = await _city_meant(session, arguments)
            plans = await visible_plans(session, actor)
            key, secret = await create_key(
                session,
                request=KeyRequest(
                    name=trimmed(arguments.name),
                    role=arguments.role,
                    organization_code=arguments.organization,
                    plan_code=arguments.plan,
                    scopes=tuple(arguments.scope) if arguments.scope else None,
                    city_code=city_code,
                ),
                actor=actor,
                plan_codes=[plan.code for plan in plans],
                now=ledger.clock.true_now(),
            )
    print(f"id      {key.id}")
    print(f"role    {key.role}")
    print(f"city    {key.city_code}")
    print(f"reach   {_reach_of(key)}")
    print(f"secret  {secret}")
    return 0


async def _city_meant(session: AsyncSession, arguments: Namespace) -> str | None:
    """Return the city of a new key; None: its plan decides.

    Raises:
        ConsoleError: there are several, and no city, plan or unit in only one city is named.
    """
    if arguments.city is not None or arguments.plan is not None:
        return cast("str | None", arguments.city)
    cities = await city_codes(session)
    if arguments.organization is not None:
        found = await organizations_by_code(session, city_code=None, codes=[arguments.organization])
        cities = [unit.city_code for unit in found] or cities
    if len(cities) != 1:
        raise ConsoleError(f"name the city with --city; there are: {', '.join(cities)}")
    return cities[0]


def _reach_of(key: ApiKey) -> str:
    """Return a key's reach in words."""
    if key.every_city:
        return "every city"
    bounds = (("unit", key.organization_code), ("plan", key.plan_code))
    said = [f"{name} {code}" for name, code in bounds if code is not None]
    return ", ".join(said) or f"all of city {key.city_code}"


async def _list() -> int:
    async with open_ledger() as ledger:
        actor = await _operator(ledger)
        after: tuple[str, UUID] | None = None
        while True:
            async with ledger.database.sessions() as session:
                page = await visible_keys(session, actor, after=after, limit=_PAGE)
            _print_page(page)
            if len(page) < _PAGE:
                return 0
            after = (page[-1].city_code, page[-1].id)


def _print_page(page: Sequence[ApiKey]) -> None:
    for key in page:
        state = "revoked" if key.revoked_at else "active"
        unit = key.organization_code or "-"
        print(
            f"{key.id}  {state:<8}{key.role:<15}{unit:<11}{key.prefix:<26}{in_one_line(key.name)}"
        )


async def _revoke(key_id: UUID) -> int:
    async with open_ledger() as ledger:
        actor = await _operator(ledger)
        async with ledger.database.transaction() as session:
            key = await key_to_revoke(session, key_id, actor=actor)
            await revoke_key(session, key, actor=actor, now=ledger.clock.true_now())
    print(f"{key.prefix} is revoked")
    return 0


async def _operator(ledger: Ledger) -> Actor:
    async with ledger.database.sessions() as session:
        cities = await city_codes(session)
    if not cities:
        raise ConsoleError("no plan is loaded yet: run `wufei plan load FILE` first")
    enter_city(cities[0])
    return operator(cities[0])

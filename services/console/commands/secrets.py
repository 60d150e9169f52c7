"""`wufei secrets rotate`: re-encrypts all sealed values with the first key."""

import asyncio
from argparse import Namespace

from services.console.errors import ConsoleError
from services.console.ledger import Ledger, open_ledger, seal_here
from services.core.audit.service import note
from services.core.identity.actor import operator
from services.core.identity.queries import city_codes
from services.core.identity.token_keys import reseal_signing_keys
from services.core.kit.city_scope import in_city
from services.core.kit.sealing import Seal
from services.core.resealing.columns import SEALED, SealedColumn
from services.core.resealing.service import Resealed, reseal


def rotate(_arguments: Namespace) -> int:
    """Re-encrypt everything and print the counts; 1 if something cannot be unsealed."""
    seal = seal_here()
    if seal is None:
        raise ConsoleError("no WUFEI_SECRET_KEY is set: there is nothing to seal with")
    return asyncio.run(_rotate(seal))


async def _rotate(seal: Seal) -> int:
    unreadable = 0
    async with open_ledger() as ledger:
        async with ledger.database.sessions() as session:
            cities = await city_codes(session)
        by_city = dict.fromkeys(cities, Resealed())
        for sealed in SEALED:
            done = Resealed()
            for city_code in cities:
                of_city = await _reseal_city(ledger, sealed, city_code, seal)
                done, by_city[city_code] = done.plus(of_city), by_city[city_code].plus(of_city)
            _told(f"{sealed.table}.{sealed.column}", done.read, done.renewed, done.unreadable)
            unreadable += done.unreadable
        async with ledger.database.transaction() as session:
            signing = await reseal_signing_keys(session, seal)
        _told("token_key.private_key_sealed", *signing)
        for city_code, done in by_city.items():
            await _noted(ledger, city_code, done)
        unreadable += signing[2]
    if unreadable:
        print(
            f"{unreadable} were sealed with a key that WUFEI_SECRET_KEY does not name: put it"
            " behind the others and run this again"
        )
        return 1
    print("done: keys behind the first are needed no more once every process has the first")
    return 0


async def _noted(ledger: Ledger, city_code: str, done: Resealed) -> None:
    """Write it to the audit of a city."""
    with in_city(city_code):
        async with ledger.database.transaction() as session:
            await note(
                session,
                city_code=city_code,
                action="secrets.rotated",
                subject=("installation", city_code),
                actor=operator(city_code).stamp(),
                data={"sealed": done.read, "anew": done.renewed, "unreadable": done.unreadable},
                at=ledger.clock.true_now(),
            )


def _told(name: str, read: int, renewed: int, unreadable: int) -> None:
    print(f"{name}: {read} sealed, {renewed} anew, {unreadable} unreadable")


async def _reseal_city(
    ledger: Ledger, sealed: SealedColumn, city_code: str, seal: Seal
) -> Resealed:
    done, after = Resealed(), None
    with in_city(city_code):
        while True:
            async with ledger.database.transaction() as session:
                part = await reseal(session, sealed, city_code, seal, after=after)
            done, after = done.plus(part), part.last
            if after is None:
                return done

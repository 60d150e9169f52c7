"""How long a key is trusted: never past its end, and four seconds without asking again."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.api import security
from services.api.security import KEPT, Keys
from services.core.identity.actor import Actor, operator
from services.core.identity.changing import edit_key, key_to_change, rotate_key
from services.core.identity.errors import NetworkNotAllowed, Unauthenticated
from services.core.identity.giving import KeyRequest
from services.core.identity.service import create_key, key_to_revoke, revoke_key
from services.core.kit.database import Database, connect
from services.core.plan.loading import load_plan
from tests.support.api import neighbour

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
CITY = "410183"


@dataclass
class Clock:
    """A true time that a test sets."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=3) as opened:
        async with opened.transaction() as session:
            await load_plan(session, document=neighbour(), actor={}, now=BEGIN)
        yield opened


async def a_key(database: Database, expires_at: datetime | None = None) -> str:
    async with database.transaction() as session:
        _, secret = await create_key(
            session,
            request=KeyRequest("k", "leader", expires_at=expires_at),
            actor=operator(CITY),
            plan_codes=(),
            now=BEGIN,
        )
    return secret


async def is_known(keys: Keys, secret: str) -> bool:
    try:
        await keys.actor(secret, "r")
    except Unauthenticated:
        return False
    return True


async def revoke(session: AsyncSession, actor: Actor, now: datetime) -> None:
    """Revoke the actor's key, as the console would."""
    key = await key_to_revoke(session, actor.credential_id, actor=operator(CITY))
    await revoke_key(session, key, actor=operator(CITY), now=now)


async def test_an_expired_key_is_nobodys_from_the_second_it_expires(database: Database) -> None:
    clock = Clock()
    secret = await a_key(database, expires_at=BEGIN + timedelta(seconds=2))
    keys = Keys(database, clock)
    assert await is_known(keys, secret)
    clock.now = BEGIN + timedelta(seconds=1.9)
    assert await is_known(keys, secret)
    clock.now = BEGIN + timedelta(seconds=2)
    assert not await is_known(keys, secret), "though it was met a moment ago"
    assert not await is_known(Keys(database, clock), secret)


async def test_a_key_that_another_process_revoked_works_for_less_than_five_seconds(
    database: Database,
) -> None:
    clock = Clock()
    secret = await a_key(database)
    here, there = Keys(database, clock), Keys(database, clock)
    actor = await here.actor(secret, "r")
    async with database.transaction() as session:
        await revoke(session, actor, clock.now)
    assert not await is_known(there, secret), "a process that never met it"
    clock.now += KEPT
    assert timedelta(seconds=5) > KEPT
    assert not await is_known(here, secret)


async def test_a_revocation_in_this_process_holds_at_once(database: Database) -> None:
    keys = Keys(database, Clock())
    secret = await a_key(database)
    actor = await keys.actor(secret, "r")
    async with database.transaction() as session:
        await revoke(session, actor, BEGIN)
    keys.forget()
    assert not await is_known(keys, secret)


async def test_a_secret_that_was_replaced_ends_on_every_process_when_its_overlap_does(
    database: Database,
) -> None:
    clock = Clock()
    older = await a_key(database)
    here, there = Keys(database, clock), Keys(database, clock)
    actor = await here.actor(older, "r")
    async with database.transaction() as session:
        key = await key_to_change(session, actor.credential_id, actor=operator(CITY))
        newer = await rotate_key(
            session, key, overlap=timedelta(hours=1), actor=operator(CITY), now=clock.now
        )
    clock.now = BEGIN + timedelta(minutes=59, seconds=58)
    for keys in (here, there):
        assert await is_known(keys, older)
        assert await is_known(keys, newer)
    clock.now = BEGIN + timedelta(hours=1)
    for keys in (here, there, Keys(database, clock)):
        assert not await is_known(keys, older), "though it was met two seconds ago"
        assert await is_known(keys, newer)


async def test_a_secret_that_is_replaced_without_an_overlap_ends_within_five_seconds(
    database: Database,
) -> None:
    clock = Clock()
    older = await a_key(database)
    elsewhere = Keys(database, clock)
    actor = await elsewhere.actor(older, "r")
    async with database.transaction() as session:
        key = await key_to_change(session, actor.credential_id, actor=operator(CITY))
        await rotate_key(session, key, overlap=timedelta(), actor=operator(CITY), now=clock.now)
    clock.now += KEPT
    assert not await is_known(elsewhere, older)


async def test_networks_that_were_set_hold_on_another_process_within_five_seconds(
    database: Database,
) -> None:
    clock = Clock()
    secret = await a_key(database)
    elsewhere = Keys(database, clock)
    actor = await elsewhere.actor(secret, "r", "198.51.100.4")
    networks = {"allowed_networks": ["203.0.113.0/24"]}
    async with database.transaction() as session:
        key = await key_to_change(session, actor.credential_id, actor=operator(CITY))
        await edit_key(session, key, changes=networks, actor=operator(CITY), now=clock.now)
    clock.now += KEPT
    with pytest.raises(NetworkNotAllowed):
        await elsewhere.actor(secret, "r", "198.51.100.4")
    assert (await elsewhere.actor(secret, "r", "203.0.113.4")).name == actor.name


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one[:-1],
        lambda one: one + "x",
        lambda one: one.replace("410183", "410184"),
        lambda one: one.replace("_", "-"),
        lambda one: one + "\u00e9",
        lambda one: one + "x" * 200,
    ],
)
async def test_a_token_that_is_not_quite_one_is_nobodys(
    database: Database, spoil: Callable[[str], str]
) -> None:
    assert not await is_known(Keys(database, Clock()), spoil(await a_key(database)))


async def test_a_full_memory_forgets_the_key_that_was_not_used_for_longest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "_MOST_KEPT", 2)
    keys = Keys(database, Clock())
    seldom, often, newest = [await a_key(database) for _ in range(3)]
    for secret in (often, seldom, often, newest):
        assert await is_known(keys, secret)
    await database.pool.execute("UPDATE api_key SET revoked_at = $1", BEGIN)
    kept = [await is_known(keys, secret) for secret in (often, newest, seldom)]
    assert kept == [True, True, False]

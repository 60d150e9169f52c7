"""Tokens on several processes, by the set clock: good at once, ended in time, never forged."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from services.api.security import KEPT, Keys
from services.api.tokens import Tokens
from services.core.identity.actor import Actor, operator, system
from services.core.identity.changing import key_to_change, rotate_key
from services.core.identity.errors import Unauthenticated
from services.core.identity.giving import KeyRequest
from services.core.identity.service import create_key, key_to_revoke, revoke_key
from services.core.identity.signing_keys import PUBLISHED_BEFORE, SIGNS_FOR
from services.core.identity.token_keys import keep_signing_keys
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, new_seal_key
from services.core.plan.loading import load_plan
from tests.support.api import neighbour
from tests.support.forged_tokens import by_hmac, written

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
CITY = "410183"
LIFE = timedelta(minutes=10)
SEAL = Seal.read(new_seal_key())


@dataclass
class Clock:
    """A true time that a test sets, the same for every process."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Process:
    """What one process of the API knows of credentials."""

    keys: Keys
    tokens: Tokens

    async def token(self, secret: str) -> str:
        """Return a token for a key."""
        client = await self.keys.presented(secret, None)
        text, _ = await self.tokens.issue(
            city_code=CITY,
            key_id=client.actor.credential_id,
            secret_prefix=client.secret_prefix,
            scopes=client.actor.scopes,
            ends=client.good_until,
        )
        return text

    async def knows(self, credential: str) -> bool:
        """Return whether it lets somebody in."""
        try:
            await self.keys.actor(credential, "r")
        except Unauthenticated:
            return False
        return True


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=3) as opened:
        async with opened.transaction() as session:
            await load_plan(session, document=neighbour(), actor={}, now=BEGIN)
        yield opened


def process(
    database: Database, clock: Clock, *, issuer: str | None = None, seal: Seal | None = SEAL
) -> Process:
    shown = issuer or "http://127.0.0.1:8000"
    tokens = Tokens(database, seal, clock, issuer=issuer, shown_issuer=shown, life=LIFE)
    return Process(Keys(database, clock, tokens), tokens)


async def a_key(database: Database, **more: Any) -> str:
    async with database.transaction() as session:
        _, secret = await create_key(
            session,
            request=KeyRequest("k", "leader", **more),
            actor=operator(CITY),
            plan_codes=(),
            now=BEGIN,
        )
    return secret


async def test_a_token_of_one_process_is_good_on_another_until_it_ends(database: Database) -> None:
    clock = Clock()
    here, there = process(database, clock), process(database, clock)
    token = await here.token(await a_key(database))
    for one in (here, there):
        assert await one.knows(token)
    clock.now = BEGIN + LIFE - timedelta(seconds=1)
    assert await there.knows(token)
    clock.now = BEGIN + LIFE
    for one in (here, there, process(database, clock)):
        assert not await one.knows(token), "though it was met a second ago"


async def _revoked(database: Database, actor: Actor, clock: Clock) -> None:
    async with database.transaction() as session:
        key = await key_to_revoke(session, actor.credential_id, actor=operator(CITY))
        await revoke_key(session, key, actor=operator(CITY), now=clock.now)


async def _rotated(database: Database, actor: Actor, clock: Clock) -> None:
    async with database.transaction() as session:
        key = await key_to_change(session, actor.credential_id, actor=operator(CITY))
        await rotate_key(session, key, overlap=timedelta(), actor=operator(CITY), now=clock.now)


@pytest.mark.parametrize("ended", [_revoked, _rotated])
async def test_a_token_ends_within_five_seconds_everywhere_when_its_key_or_secret_does(
    database: Database, ended: Callable[[Database, Actor, Clock], Any]
) -> None:
    clock = Clock()
    here, there = process(database, clock), process(database, clock)
    secret = await a_key(database)
    first, second = await here.token(secret), await here.token(secret)
    for one in (here, there):
        assert await one.knows(first)
    await ended(database, await here.keys.actor(secret, "r"), clock)
    clock.now += timedelta(seconds=2)
    await there.knows(second)  # the key is known there; a second token does not keep it longer
    clock.now = BEGIN + KEPT
    assert timedelta(seconds=5) > KEPT
    for one in (here, there):
        assert not await one.knows(first)
        assert not await one.knows(second)


async def test_a_clock_that_is_set_back_keeps_no_credential_and_no_signing_key_from_being_asked(
    database: Database,
) -> None:
    clock = Clock()
    here, there = process(database, clock), process(database, clock)
    secret = await a_key(database)
    token = await here.token(secret)
    for credential in (secret, token):
        assert await there.knows(credential)
    clock.now -= timedelta(hours=1)
    new = await here.token(secret)
    assert await there.knows(new), "the key of an hour to come signed none, so another was made"
    await _revoked(database, await here.keys.actor(secret, "r"), clock)
    clock.now -= timedelta(hours=1)
    for credential in (secret, token, new):
        assert not await there.knows(credential)


async def test_a_token_lasts_no_longer_than_its_key(database: Database) -> None:
    clock = Clock()
    here = process(database, clock)
    token = await here.token(await a_key(database, expires_at=BEGIN + timedelta(seconds=90)))
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 90


async def test_signing_keys_change_without_a_gap_on_processes_that_look_once_a_minute(
    database: Database,
) -> None:
    clock = Clock()
    here, there = process(database, clock), process(database, clock)
    secret = await a_key(database)
    kids = set()
    while clock.now < BEGIN + 3 * SIGNS_FOR:
        async with database.transaction() as session:
            await keep_signing_keys(session, seal=SEAL, actor=system("worker"), now=clock.now)
        token = await here.token(secret)
        kids.add(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])
        assert await there.knows(token)
        published = {key.kid for key in await there.tokens.published()}
        assert kids & published
        assert len(published) <= 2
        clock.now += PUBLISHED_BEFORE / 2
    assert len(kids) == 3
    audited = await database.pool.fetch("SELECT action FROM audit_entry WHERE city_code = $1", CITY)
    actions = [row["action"] for row in audited if row["action"].startswith("token_key")]
    assert actions.count("token_key.made") - actions.count("token_key.withdrawn") == len(published)


async def test_of_two_processes_that_need_the_first_key_both_sign_with_one(
    database: Database,
) -> None:
    clock = Clock()
    here, there = process(database, clock), process(database, clock)
    secret = await a_key(database)
    tokens = [await one.token(secret) for one in (here, there)]
    assert len({token.split(".")[0] for token in tokens}) == 1
    assert await database.pool.fetchval("SELECT count(*) FROM token_key") == 1


async def test_a_lost_seal_brings_another_key_and_ends_no_token(database: Database) -> None:
    clock = Clock()
    here = process(database, clock)
    secret = await a_key(database)
    before = await here.token(secret)
    moved = process(database, clock, seal=Seal.read(new_seal_key()))
    after = await moved.token(secret)
    for token in (before, after):
        assert await moved.knows(token)
        clock.now += timedelta(seconds=1)
        assert await here.knows(token)


THIEF = ECKey.generate_key("P-256")
PUBLIC = THIEF.as_dict(private=False)


async def test_no_forged_token_is_anybodys(database: Database) -> None:
    clock = Clock()
    named = "https://wufei.example.gov.cn"
    here = process(database, clock, issuer=named)
    good = await here.token(await a_key(database))
    head, body, signature = good.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(one + "==")) for one in (head, body))
    (key,) = await here.tokens.published()
    pem = ECKey.import_key(key.public).as_pem(private=False)
    private = key.private(SEAL)

    def signed(
        changes: dict[str, Any], said: dict[str, Any] | None = None, by: Any = private
    ) -> str:
        protected = {**header, **changes}
        text = json.dumps({**claims, **(said or {})})
        return jws.serialize_compact(protected, text, by, algorithms=[protected["alg"]])

    def bare(changes: dict[str, Any], tail: str) -> str:
        return f"{written({**header, **changes})}.{body}.{tail}"

    later = int((BEGIN + timedelta(hours=1)).timestamp())
    forged = {
        "alg none": bare({"alg": "none"}, ""),
        "alg none with a signature": bare({"alg": "none"}, signature),
        "alg in capitals": bare({"alg": "NONE"}, ""),
        "no alg": f"{written({'typ': 'at+jwt', 'kid': key.kid})}.{body}.{signature}",
        "HS256 by the public key": by_hmac(header, body, pem),
        "HS256 by the public key as it is published": by_hmac(
            header, body, json.dumps(key.public).encode()
        ),
        "ES384": bare({"alg": "ES384"}, signature),
        "another key": signed({}, by=THIEF),
        "another key, which the header brings": signed({"jwk": PUBLIC}, by=THIEF),
        "another key, at an address": signed(
            {"jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/x"}, by=THIEF
        ),
        "no name of a key": signed({"kid": ""}, by=THIEF),
        "a path for a name": signed({"kid": "../../../../dev/null"}, by=THIEF),
        "SQL for a name": signed({"kid": "' OR 1=1; DROP TABLE token_key; --"}, by=THIEF),
        "a list for a name": bare({"kid": [key.kid]}, signature),
        "another sort of token": signed({"typ": "JWT"}),
        "critical members": bare({"crit": ["b64"], "b64": False}, signature),
        "another audience": signed({}, {"aud": "urn:other"}),
        "many audiences": signed({}, {"aud": ["urn:other"]}),
        "another issuer": signed({}, {"iss": "https://elsewhere.example"}),
        "ended": signed({}, {"exp": int(BEGIN.timestamp())}),
        "no end": signed({}, {"exp": None}),
        "an end beyond time": signed({}, {"exp": 10**30}),
        "not yet": signed({}, {"iat": later, "exp": later + 60}),
        "another key's id": signed({}, {"sub": str(new_id())}),
        "another city": signed({}, {"city": "410184"}),
        "another secret": signed({}, {"secret_prefix": "wufei_410183_0000000000"}),
        "more in the body": f"{head}.{written({**claims, 'scope': 'keys:write'})}.{signature}",
        "a signature cut short": good[:-4],
        "another signature": f"{head}.{body}.{'A' * len(signature)}",
        "four parts": f"{good}.x",
        "two parts": f"{head}.{body}",
        "no JSON": f"{head}.AAAA.{signature}",
        "deep JSON": f"{base64.urlsafe_b64encode(b'[' * 5000).decode()}.{body}.{signature}",
        "long": f"{head}.{'A' * 9000}.{signature}",
        "nothing": "..",
        "no ASCII": f"{head}.{body}.签名",
    }
    assert await here.knows(good)
    assert [name for name, token in forged.items() if await here.knows(token)] == []
    assert await database.pool.fetchval("SELECT count(*) FROM token_key") == 1


async def test_a_storm_of_unknown_names_of_keys_is_one_look_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    here = process(database, clock)
    good = await here.token(await a_key(database))
    _, body, signature = good.split(".")
    looks = []
    real = here.tokens._database.sessions

    def counted() -> Any:
        looks.append(clock.now)
        return real()

    monkeypatch.setattr(
        here.tokens, "_database", type("Counted", (), {"sessions": staticmethod(counted)})()
    )
    for number in range(500):
        header = {"alg": "ES256", "typ": "at+jwt", "kid": f"unknown-{number}"}
        assert not await here.knows(f"{written(header)}.{body}.{signature}")
        clock.now += timedelta(milliseconds=10)
    assert len(looks) == 4, "in five seconds, the first of which knew them from before"

"""Tokens of a foreign issuer: proved by keys that were fetched, acting as a key of ours; no forged
one is anybody's, and no request leaves for one.
"""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey
from typing_extensions import override

from services.api.foreign_tokens import ForeignTokens
from services.api.security import KEPT, Keys
from services.core.identity.actor import operator
from services.core.identity.errors import NetworkNotAllowed, Unauthenticated
from services.core.identity.giving import KeyRequest
from services.core.identity.issuers import KEPT_WITHOUT_NEWS, Issuer, read_issuers
from services.core.identity.queries import issuer_keys
from services.core.identity.service import create_key, key_to_revoke, revoke_key
from services.core.kit.clock import Clock as TrueClock
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.plan.loading import load_plan
from services.worker.fetching import CannotFetch
from services.worker.token_upkeep import TokenUpkeep
from tests.support.api import neighbour
from tests.support.forged_tokens import by_hmac, written

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
CITY = "410183"
NAME = "https://sso.example.gov.cn"
OURS = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
THIEF = ECKey.generate_key("P-256")


def jwk(key: Key, kid: str, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", **more}


PUBLISHED = {
    "keys": [
        jwk(OURS, "e1", alg="ES256"),
        jwk(RSA, "r1"),
        {**jwk(THIEF, "enc"), "use": "enc"},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
    ]
}


@dataclass
class Clock:
    """A true time that a test sets."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


class SetClock(TrueClock):
    """The clock of a worker, which a test sets."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        object.__setattr__(self, "_clock", clock)

    @override
    def true_now(self) -> datetime:  # type: ignore[override]
        now: datetime = self._clock.now  # type: ignore[attr-defined]
        return now


@dataclass
class Stage:
    """An installation that believes an issuer, with a key that its tokens act as."""

    database: Database
    clock: Clock
    issuers: dict[str, Issuer]
    keys: Keys
    key_id: UUID
    asked: list[str]
    published: Any

    def upkeep(self) -> TokenUpkeep:
        """Return what the worker does once a minute; it is answered what is published."""

        async def fetch(url: str) -> bytes:
            self.asked.append(url)
            if isinstance(self.published, Exception):
                raise self.published
            return json.dumps(self.published).encode()

        return TokenUpkeep(
            self.database, SetClock(self.clock), seal=None, issuers=self.issuers, fetch=fetch
        )

    def token(self, changes: dict[str, Any] | None = None, **said: Any) -> str:
        """Return a token of the issuer; `changes` are of its header."""
        header = {"alg": "ES256", "kid": "e1", "typ": "JWT", **(changes or {})}
        by = {"r1": RSA}.get(str(header.get("kid")), OURS)
        return signed(header, self.claims(**said), by)

    def claims(self, **said: Any) -> dict[str, Any]:
        """Return what a good token says, with changes."""
        now = int(self.clock.now.timestamp())
        good = {"iss": NAME, "aud": "wufei", "sub": "platform-7", "iat": now, "exp": now + 300}
        return {**good, **said}

    async def knows(self, token: str) -> bool:
        """Return whether a token lets somebody in."""
        try:
            await self.keys.actor(token, "r")
        except Unauthenticated:
            return False
        return True


def signed(header: dict[str, Any], claims: dict[str, Any], by: Key) -> str:
    algorithm = str(header["alg"])
    return jws.serialize_compact(header, json.dumps(claims), by, algorithms=[algorithm])


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with connect(database_url, size=3) as database:
        async with database.transaction() as session:
            await load_plan(session, document=neighbour(), actor={}, now=BEGIN)
            key, _ = await create_key(
                session,
                request=KeyRequest("k", "leader"),
                actor=operator(CITY),
                plan_codes=(),
                now=BEGIN,
            )
        issuer = {
            "issuer": NAME,
            "audience": "wufei",
            "jwks_url": f"{NAME}/jwks.json",
            "algorithms": ["ES256", "RS256"],
            "grants": [{"claims": {"sub": "platform-7"}, "city": CITY, "key": str(key.id)}],
        }
        file = tmp_path / "issuers.yaml"
        file.write_text(yaml.safe_dump({"issuers": [issuer]}), encoding="utf-8")
        clock = Clock()
        issuers = dict(read_issuers(file))
        keys = Keys(database, clock, None, ForeignTokens(database, issuers, clock))
        opened = Stage(database, clock, issuers, keys, key.id, [], PUBLISHED)
        await opened.upkeep().look_after()
        yield opened


async def test_a_token_acts_as_the_key_that_its_claims_are_given(stage: Stage) -> None:
    actor = await stage.keys.actor(stage.token(), "r")
    assert (actor.credential_id, actor.role) == (stage.key_id, "leader")
    assert await stage.knows(stage.token({"alg": "RS256", "kid": "r1"}))
    assert await stage.knows(stage.token(aud=["other", "wufei"]))
    assert not await stage.knows(stage.token(sub="platform-8"))
    ends = stage.token(exp=int((BEGIN + timedelta(seconds=2)).timestamp()))
    assert await stage.knows(ends)
    stage.clock.now = BEGIN + timedelta(seconds=2)
    assert not await stage.knows(ends), "though it was met a moment ago"


async def test_a_token_ends_within_five_seconds_with_the_key_that_it_acts_as(stage: Stage) -> None:
    token = stage.token()
    assert await stage.knows(token)
    async with stage.database.transaction() as session:
        key = await key_to_revoke(session, stage.key_id, actor=operator(CITY))
        await revoke_key(session, key, actor=operator(CITY), now=BEGIN)
    stage.clock.now += KEPT
    assert not await stage.knows(token)


async def test_the_networks_of_the_key_hold_for_the_token(stage: Stage) -> None:
    await stage.database.pool.execute("UPDATE api_key SET allowed_networks = '{203.0.113.0/24}'")
    with pytest.raises(NetworkNotAllowed):
        await stage.keys.actor(stage.token(), "r", "198.51.100.4")
    actor = await stage.keys.actor(stage.token(), "r", "203.0.113.4")
    assert actor.credential_id == stage.key_id


async def test_no_forged_token_is_anybodys_and_no_request_leaves(stage: Stage) -> None:
    head = {"alg": "ES256", "kid": "e1", "typ": "JWT"}
    good = stage.token()
    said = stage.claims()
    header, body, signature = good.split(".")
    now = int(BEGIN.timestamp())
    pem = OURS.as_pem(private=False)

    def bare(changes: dict[str, Any], tail: str) -> str:
        return f"{written({**head, **changes})}.{body}.{tail}"

    forged = {
        "alg none": bare({"alg": "none"}, ""),
        "no alg": f"{written({'kid': 'e1'})}.{body}.{signature}",
        "HS256 by the public key": by_hmac(head, body, pem),
        "HS256 by a key that is published as a shared one": by_hmac(
            {**head, "kid": "shared"}, body, base64.b64decode("c2VjcmV0")
        ),
        "an algorithm that is not believed": signed(
            {**head, "alg": "PS256", "kid": "r1"}, said, RSA
        ),
        "a key of another sort": bare({"alg": "RS256"}, signature),
        "another key": signed(head, said, THIEF),
        "a key for enciphering": signed({**head, "kid": "enc"}, said, THIEF),
        "a key in the header": signed({**head, "jwk": jwk(THIEF, "e1")}, said, THIEF),
        "a key at an address": signed(
            {**head, "jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/"}, said, THIEF
        ),
        "no name of a key": bare({"kid": None}, signature),
        "a path for a name": signed({**head, "kid": "../../dev/null"}, said, OURS),
        "SQL for a name": signed({**head, "kid": "'; DROP TABLE api_key; --"}, said, OURS),
        "another sort of token": signed({**head, "typ": "logout+jwt"}, said, OURS),
        "another issuer": stage.token(iss="https://elsewhere.example"),
        "an issuer with more": stage.token(iss=f"{NAME}/"),
        "a list of issuers": stage.token(iss=[NAME]),
        "another audience": stage.token(aud="other"),
        "no audience": stage.token(aud=None),
        "expired": stage.token(exp=now),
        "no end": stage.token(exp="never"),
        "an end beyond time": stage.token(exp=10**30),
        "not yet": stage.token(nbf=now + 3600),
        "made tomorrow": stage.token(iat=now + 86400),
        "a claim of another sort": stage.token(sub=["platform-8"]),
        "more in the body": f"{header}.{written({**said, 'sub': 'x'})}.{signature}",
        "critical members": bare({"crit": ["exp"]}, signature),
    }
    assert await stage.knows(good)
    assert [name for name, token in forged.items() if await stage.knows(token)] == []
    assert stage.asked == [f"{NAME}/jwks.json"], "once, by the worker"


async def test_a_storm_of_unknown_names_of_keys_asks_nobody(stage: Stage) -> None:
    for number in range(300):
        assert not await stage.knows(stage.token({"kid": f"unknown-{number}"}))
        stage.clock.now += timedelta(milliseconds=10)
        await stage.upkeep().look_after()
    assert len(stage.asked) == 1


async def test_keys_are_fetched_every_five_minutes_and_believed_for_a_day_without_news(
    stage: Stage,
) -> None:
    stage.published = {"keys": [jwk(THIEF, "e2")]}
    stage.clock.now = BEGIN + timedelta(minutes=5)
    await stage.upkeep().look_after()
    stage.clock.now += timedelta(seconds=60)
    changed = signed({"alg": "ES256", "kid": "e2"}, stage.claims(), THIEF)
    assert await stage.knows(changed)
    assert not await stage.knows(stage.token()), "its key is published no more"
    fetched = BEGIN + timedelta(minutes=5)
    faults: list[Any] = [CannotFetch("answered 503"), [], {"keys": "x"}, {"keys": []}]
    for stage.published in faults:
        stage.clock.now += timedelta(minutes=5)
        await stage.upkeep().look_after()
    async with stage.database.sessions() as session:
        (kept,) = await issuer_keys(session)
    assert (kept.fetched_at, kept.fault) == (fetched, "no key of the set can be used")
    assert await stage.knows(signed({"alg": "ES256", "kid": "e2"}, stage.claims(), THIEF))
    stage.clock.now = fetched + KEPT_WITHOUT_NEWS
    assert not await stage.knows(signed({"alg": "ES256", "kid": "e2"}, stage.claims(), THIEF))


GOOD = {
    "issuer": NAME,
    "audience": "wufei",
    "jwks_url": f"{NAME}/jwks.json",
    "algorithms": ["ES256"],
    "grants": [{"claims": {"sub": "x"}, "city": CITY, "key": str(new_id())}],
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"jwks_url": "file:///etc/passwd"},
        {"grants": []},
        {"grants": [{"claims": {}, "city": CITY, "key": str(new_id())}]},
        {"grants": [{"claims": {"sub": "x"}, "city": CITY, "key": "k"}]},
        {"more": 1},
    ],
)
def test_a_file_of_issuers_that_is_wrong_ends_the_start(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    file = tmp_path / "issuers.yaml"
    file.write_text(yaml.safe_dump({"issuers": [{**GOOD, **wrong}]}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"issuers\.yaml"):
        read_issuers(file)
    file.write_text(yaml.safe_dump({"issuers": [GOOD, GOOD]}), encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        read_issuers(file)

"""A database of the first release that had people, upgraded: they and what they did go on.

That release itself makes it, with its own commands and over its own API. What it sealed, hashed and
chained is read by this one: passwords, sessions, second factors, endpoints' secrets, the audit.
"""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.console.settings import PROJECT
from services.core.kit.sealing import new_seal_key
from services.core.webhooks.signing import read_key, signature_header
from tests.support.owner import served
from tests.support.people import PASSWORD, Somebody
from tests.support.receiver import Heard, Receiver, a_receiver
from tests.support.releases import (
    Release,
    a_key,
    database_of,
    errors_in,
    ready,
    release_of,
    settled,
)
from tests.support.servers import Addresses

CITY, PLAN = "410183", "410183-2025"
FIRST_WITH_PEOPLE = "0031"
"""Its schema has users, posts and sessions; what seals or signs for them came with it."""


@dataclass
class Past:
    """What people of the old release hold."""

    office: str
    auditor: str
    person: Somebody
    refresh_token: str
    reported: str
    secret: str
    head: str


@dataclass(frozen=True)
class Caller:
    """Somebody who calls an API that is at work."""

    door: str
    token: str | None = None

    async def __call__(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Return what is answered; it must be good."""
        answer = await self.asked(method, path, **body)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async def asked(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Return the answer."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=f"{self.door}/v1", timeout=60) as client:
            return await client.request(method, path, headers=headers, json=body or None)


@pytest.fixture
async def empty_url(addresses: Addresses) -> AsyncIterator[str]:
    """A database without a table."""
    async with database_of(addresses, "people_across") as url:
        yield url


async def entered(door: str, security: Caller) -> tuple[Somebody, str]:
    """Have a person entered, in a post, signed in with a second factor; return a refresh token."""
    made = await security("POST", "/users", username="zhang", name="张三")
    nobody, person = Caller(door), Somebody(made["id"], "zhang")
    invited = {"invitation": made["invitation"], "new_password": PASSWORD}
    await nobody("POST", "/sign-in/invitation", **invited)
    post = {"title": "填报员", "role": "reporter", "organization_code": "UN15"}
    person.post_id = (await security("POST", "/posts", **post))["id"]
    await security("POST", f"/posts/{person.post_id}/hand-over", user_id=person.id)
    factor = await nobody("POST", "/sign-in/second-factor", **person.proof())
    person.secret = base64.b32decode(factor["secret"])
    session = await nobody("POST", "/sign-in", **person.proof(code=person.code()))
    return person, session["refresh_token"]


async def session_of(caller: Caller, path: str, **body: Any) -> tuple[Caller, str]:
    """Begin a session, or go on with one; return who acts in it, and the next refresh token."""
    begun = await caller("POST", path, **body)
    return Caller(caller.door, begun["access_token"]), begun["refresh_token"]


async def reported(person: Caller, office: Caller, period: str) -> str:
    """Have a person report a value, and the office approve it."""
    body = {"indicator_code": "U08", "organization_code": "UN15", "period": period, "value": "40"}
    made = await person("POST", f"/plans/{PLAN}/submissions", **body)
    await office("POST", f"/submissions/{made['id']}/approve")
    return str(made["id"])


async def lived(old: Release, folder: Path, receiver: Receiver) -> Past:
    """Let people work with the old release for a while."""
    await old.command("migrate")
    await old.command("plan", "load", f"plans/{PLAN}.yaml")
    roles = ("office", "security_admin", "audit_admin")
    keys = {role: await a_key(old, CITY, "--role", role) for role in roles}
    async with old.at_work(folder) as (door, log):
        await ready(door)
        office, security = Caller(door, keys["office"]), Caller(door, keys["security_admin"])
        person, refresh_token = await entered(door, security)
        hook = await office("POST", "/webhook-endpoints", url=receiver.url())
        acting, refresh_token = await session_of(
            Caller(door), "/token/refresh", refresh_token=refresh_token
        )
        submission = await reported(acting, office, "2023-01")
        await receiver.hears(2, 120)
        await settled(door)
    assert errors_in(log) == []
    verified = await old.command("audit", "verify")
    (head,) = re.findall(r"\d+:[0-9a-f]{64}", verified)
    return Past(
        keys["office"],
        keys["audit_admin"],
        person,
        refresh_token,
        submission,
        hook["secret"],
        head,
    )


async def test_people_of_the_first_release_that_had_them_go_on(
    empty_url: str,
    redis_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "old").mkdir()
    if release_of(FIRST_WITH_PEOPLE, tmp_path / "old") is None:
        with capsys.disabled():
            print(f"\nno history here has a release of revision {FIRST_WITH_PEOPLE}: not tried")  # noqa: T201
        return
    shared = {"WUFEI_SECRET_KEY": new_seal_key(), "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1"}
    old = Release(tmp_path / "old", served(empty_url), redis_url, empty_url, shared)
    new = Release(PROJECT, served(empty_url), redis_url, empty_url, shared)
    async with a_receiver() as receiver:
        past = await lived(old, tmp_path, receiver)
        told = len(receiver.heard)
        await new.command("migrate")
        async with new.at_work(tmp_path) as (door, log):
            await ready(door)
            await goes_on(door, past)
            await receiver.hears(told + 2, 120)
            await settled(door)
            await audited(door, past)
        assert errors_in(log) == []
    assert all(is_signed(one, past.secret) for one in receiver.heard)
    verified = await new.command("audit", "verify", "--head", past.head)
    (head,) = re.findall(r"(\d+):[0-9a-f]{64}", verified)
    assert int(head) > int(past.head.partition(":")[0])
    altered = await one_byte_altered(empty_url)
    broken = await new.command("audit", "verify", code=1)
    assert altered in broken, broken


async def goes_on(door: str, past: Past) -> None:
    """Let those people sign in, go on with their sessions, and report."""
    nobody, office, person = Caller(door), Caller(door, past.office), past.person
    acting, refresh_token = await session_of(
        nobody, "/token/refresh", refresh_token=past.refresh_token
    )
    me = await acting("GET", "/me")
    assert (me["name"], me["role"], me["organization_code"]) == ("填报员", "reporter", "UN15")
    mine = await acting("GET", f"/submissions/{past.reported}")
    assert (mine["state"], mine["period"]) == ("approved", "2023-01")
    await reported(acting, office, "2023-02")
    # Used twice, a token of that time ends its family: somebody has a copy of it.
    stolen = await nobody.asked("POST", "/token/refresh", refresh_token=past.refresh_token)
    assert stolen.status_code == 401
    family = await nobody.asked("POST", "/token/refresh", refresh_token=refresh_token)
    assert family.status_code == 401
    wrong = await nobody.asked("POST", "/sign-in", **person.proof(code=person.code(60)))
    assert wrong.status_code == 401
    bare = await nobody.asked("POST", "/sign-in", **person.proof())
    assert bare.status_code == 401
    await session_of(nobody, "/sign-in", **person.proof(code=person.code(1)))


def is_signed(heard: Heard, secret: str) -> bool:
    """Return whether a delivery is signed with a secret."""
    key, headers = read_key(secret), heard.headers
    assert key is not None
    at = int(headers["webhook-timestamp"])
    signed = signature_header([key], message_id=heard.id, timestamp=at, body=heard.body)
    return headers["webhook-signature"] == signed


async def audited(door: str, past: Past) -> None:
    """See that the auditor reads what the person did, before the upgrade and after it."""
    auditor = Caller(door, past.auditor)
    noted = (await auditor("GET", "/audit?page_size=500"))["items"]
    mine = [one for one in noted if past.person.id in str(one)]
    assert {"user.created", "session.started", "session.refresh_reused"} <= {
        one["action"] for one in mine
    }


async def one_byte_altered(url: str) -> str:
    """Alter what the old release noted, as the owner of the tables can; return the row's id."""
    connection = await asyncpg.connect(url)
    try:
        altered = await connection.fetchval(
            "UPDATE audit_entry SET data = jsonb_set(data, '{name}', '\"李四\"')"
            " WHERE action = 'user.created' RETURNING id"
        )
    finally:
        await connection.close()
    return str(altered)

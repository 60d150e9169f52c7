"""People for tests: entered by the security administrator, in posts, signed in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from services.core.people.accounts import link
from services.core.people.queries import person, provider
from services.core.people.second_factor import STEP_SECONDS, code_at
from tests.support.api import Door

PASSWORD = "three-unlike-words"


@dataclass
class Somebody:
    """A user who has a password, and the post that was handed to them last."""

    id: str
    username: str
    post_id: str | None = None
    secret: bytes = b""

    def proof(self, **more: Any) -> dict[str, Any]:
        """Return what proves who they are."""
        return {"username": self.username, "password": PASSWORD, **more}

    def code(self, steps: int = 0) -> str:
        """Return the code of now, or of so many steps later."""
        step = int(datetime.now(UTC).timestamp()) // STEP_SECONDS  # noqa: TID251 (the true time)
        return code_at(self.secret, step + steps)


async def security(door: Door) -> httpx.AsyncClient:
    """Return a client of the security administrator."""
    return await door.as_("security_admin")


async def a_post(door: Door, role: str, unit: str | None = None, **more: Any) -> str:
    """Return the id of a new post."""
    async with await security(door) as admin:
        body = {"title": f"{role} {unit}", "role": role, "organization_code": unit, **more}
        made = await admin.post("/posts", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def handed(door: Door, post_id: str, user_id: str | None, **more: Any) -> httpx.Response:
    """Hand a post over."""
    async with await security(door) as admin:
        return await admin.post(f"/posts/{post_id}/hand-over", json={"user_id": user_id, **more})


async def somebody(
    door: Door, username: str, role: str | None = None, unit: str | None = None
) -> Somebody:
    """Return a user with a password, in a post of their own if a role is named."""
    async with await security(door) as admin:
        made = await admin.post("/users", json={"username": username, "name": f"name {username}"})
    assert made.status_code == 201, made.text
    async with door.client(None) as nobody:
        sent = {"invitation": made.json()["invitation"], "new_password": PASSWORD}
        accepted = await nobody.post("/sign-in/invitation", json=sent)
    assert accepted.status_code == 200, accepted.text
    one = Somebody(made.json()["id"], username)
    if role is not None:
        one.post_id = await a_post(door, role, unit)
        answer = await handed(door, one.post_id, one.id)
        assert answer.status_code == 200, answer.text
    return one


async def asked(door: Door, path: str, **body: Any) -> httpx.Response:
    """Ask a path that takes no credential."""
    async with door.client(None) as nobody:
        return await nobody.post(path, json=body)


async def session_of(door: Door, one: Somebody, **more: Any) -> dict[str, Any]:
    """Sign somebody in, and return the session with its tokens."""
    begun = await asked(door, "/sign-in", **one.proof(**more))
    assert begun.status_code == 200, begun.text
    found: dict[str, Any] = begun.json()
    return found


async def signed_in(door: Door, one: Somebody, **more: Any) -> httpx.AsyncClient:
    """Return a client of somebody who signs in."""
    return door.client((await session_of(door, one, **more))["access_token"])


_providers = count(1)


async def a_provider(door: Door) -> str:
    """Set up a provider that nobody asks anything, and return its id."""
    body = {
        "code": f"app-{next(_providers)}",
        "name": "豫政通",
        "family": "zzd",
        "base_url": "https://openplatform.example.gov.cn",
        "app_id": "wufei-Ab12Cd34",
        "secret": "nobody-asks-with-it",
    }
    async with await security(door) as admin:
        made = await admin.post("/sign-in-providers", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def _link(door: Door, user_id: str, provider_id: str) -> None:
    """Link an account without an app."""
    async with door.held.database.transaction() as session:
        found = await person(session, "410183", UUID(user_id), for_update=True)
        linked = await provider(session, "410183", UUID(provider_id))
        assert found is not None
        assert linked is not None
        await link(session, found, linked, b"of an account", now=door.held.clock.true_now())


@dataclass(frozen=True)
class PeopleGround:
    """Users and posts by the end of the path about them, a session, and fair proofs.

    Providers are by the operation that ends one.
    """

    users: dict[str, str]
    posts: dict[str, str]
    session_id: str
    providers: dict[str, str]
    proofs: dict[str, dict[str, Any]]
    """By path, a body that proves who asks."""


async def people_ground(door: Door) -> PeopleGround:
    """Enter users whom operations may be about, each that changes much its own."""
    async with await security(door) as admin:

        async def entered(name: str) -> dict[str, Any]:
            made = await admin.post("/users", json={"username": name, "name": f"name {name}"})
            found: dict[str, Any] = made.json()
            return found

        users = {"{user_id}": await entered("about")}
        for verb in ("invite", "unlink", "end", "erase"):
            users[verb] = await entered(f"about.{verb}")
        await admin.post(f"/users/{users['erase']['id']}/end")
    one = await somebody(door, "comes", "leader")
    other = await somebody(door, "changes", "leader")
    assert one.post_id is not None
    session = await session_of(door, one)
    providers = {name: await a_provider(door) for name in ("{provider_id}", "end_sign_in_provider")}
    await _link(door, users["unlink"]["id"], providers["{provider_id}"])
    return PeopleGround(
        {verb: each["id"] for verb, each in users.items()},
        {"{post_id}": one.post_id, "hand-over": await a_post(door, "leader")},
        session["session_id"],
        providers,
        {
            "/v1/sign-in/link": one.proof(provider="none", auth_code="x"),
            "/v1/sign-in/provider": {"provider": "none", "auth_code": "x"},
            "/v1/sign-in": one.proof(),
            "/v1/sign-in/invitation": {
                "invitation": users["{user_id}"]["invitation"],
                "new_password": PASSWORD,
            },
            "/v1/sign-in/password": other.proof(new_password="four-other-unlike-words"),
            "/v1/sign-in/second-factor": one.proof(),
            "/v1/token/refresh": {
                "refresh_token": (await session_of(door, one))["refresh_token"],
            },
        },
    )


async def people_named(door: Door, number: int, *, left: bool) -> dict[str, str]:
    """Return the ids of a user in a post, of that, and of a session; `left`: the user has."""
    one = await somebody(door, f"named{number}", "reporter", "UN15")
    session = await session_of(door, one)
    if left:
        async with await security(door) as admin:
            await admin.post(f"/users/{one.id}/end")
    return {
        "user_id": one.id,
        "post_id": str(one.post_id),
        "session_id": session["session_id"],
    }


def told(answer: httpx.Response) -> dict[str, Any]:
    """Return an answer without what is of its request alone."""
    body = {name: one for name, one in answer.json().items() if name != "instance"}
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "date", "content-length"}
    }
    return {"status": answer.status_code, "body": body, "headers": headers}

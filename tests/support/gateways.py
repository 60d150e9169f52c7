"""A partner's platform: its credentials, and its gateway, which signs what it sends."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
from pydantic_core import to_json

from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call, body_of, sign
from services.core.gateways.sm_envelope import SmKeys, new_pair, opened, sealed
from services.core.kit.clock import Clock
from tests.support.api import Door

HERE = "127.0.0.1/32"
"""Where httpx calls an application from."""

INTERFACES = [
    "list_submissions", "get_submission", "create_submission", "write_batch", "get_scoreboard",
    "list_late", "list_indicators", "read_events", "get_catalog",
]  # fmt: skip


@dataclass
class Platform:
    """A partner as its own platform knows it."""

    id: str
    app_id: str
    profile: str
    secret: str
    sm_keys: SmKeys | None = None
    """Where its profile has an envelope: its private key, and our public one."""

    def signed(
        self,
        operation: str,
        members: dict[str, Any],
        *,
        now: datetime | None = None,
        nonce: str | None = None,
    ) -> Call:
        """Return a call of an operation, signed."""
        profile = PROFILES[self.profile]
        media_type, body = body_of(profile, members)
        if self.sm_keys is not None:
            keys = replace(self.sm_keys, app_secret=self.secret)
            body = sealed(members, keys, timestamp=int((now or Clock.true_now()).timestamp()))
        call = Call("POST", f"/gw/v1/{operation}", {"content-type": media_type}, "", body)
        return self.sign(call, operation, now=now, nonce=nonce)

    def sign(
        self,
        call: Call,
        operation: str = "",
        *,
        now: datetime | None = None,
        nonce: str | None = None,
    ) -> Call:
        """Return a request, signed."""
        return sign(
            PROFILES[self.profile],
            call,
            partner=self.app_id,
            secret=self.secret.encode(),
            now=now or Clock.true_now(),
            nonce=nonce or secrets.token_hex(8),
            interface=operation,
        )


async def sent(door: Door, call: Call, **headers: str) -> httpx.Response:
    """Send a request as it is, without a key."""
    async with door.client(None) as client:
        address = f"http://wufei.test{call.path}" + (f"?{call.query}" if call.query else "")
        return await client.request(
            call.method, address, content=call.body, headers={**call.headers, **headers}
        )


async def called(
    door: Door, platform: Platform, operation: str, **members: Any
) -> tuple[int, Any, httpx.Response]:
    """Call an operation; return the code, the data and the answer itself."""
    answer = await sent(door, platform.signed(operation, members))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said.keys() == {"code", "message", "data"}
    return said["code"], told_in(answer, platform), answer


def told_in(answer: httpx.Response, platform: Platform) -> Any:
    """Return the data of an answer; out of its envelope, where there is one."""
    data = answer.json()["data"]
    if platform.sm_keys is None:
        return data
    return opened(to_json({"data": data}), platform.sm_keys).data


async def a_key(door: Door, role: str = "integrator", **more: Any) -> str:
    """Return the id of a new key that a partner may act as."""
    scopes = {"scopes": ["plan:read", "submissions:read", "submissions:write", "events:read"]}
    if role != "integrator":
        scopes = {}
    body = {"name": "对接密钥", "role": role, **scopes, **more}
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/api-keys", content=to_json(body))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def a_partner(door: Door, profile: str = "wufei-hmac", **more: Any) -> Platform:
    """Make a partner, of a new key unless it names one."""
    private, public = new_pair() if PROFILES[profile].envelope else (b"", b"")
    if public:
        more.setdefault("sm_public_key", public.hex())
    body = {
        "name": "省平台",
        "profile": profile,
        "key_id": more.pop("key_id", None) or await a_key(door),
        "allowed_networks": [HERE],
        "interfaces": INTERFACES,
        **more,
    }
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/partners", json=body)
    assert made.status_code == 201, made.text
    said = made.json()
    one = Platform(said["id"], said["app_id"], profile, said["secret"])
    if public:
        ours = bytes.fromhex(said["own_sm_public_key"])
        one.sm_keys = SmKeys(one.app_id, one.secret, private, ours)
    return one


async def a_partner_id(door: Door) -> str:
    """Make a partner, and return its id."""
    return (await a_partner(door)).id

"""What it costs to say who calls: a GET by key, by access token and by a partner's signature."""

import secrets

import httpx

from bench.load import request, volley
from bench.report import Measure
from bench.system import PLAN, System
from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call, sign
from services.core.kit.clock import Clock

_ROUNDS = 5
_CALLS = 600
_LIST, _QUERY = f"/v1/plans/{PLAN}/submissions", "page_size=50"


async def proving(system: System) -> list[str]:
    """Measure a list by key, by token and by signature, at 8 clients; nothing else differs."""
    base = f"http://127.0.0.1:{system.port}/v1"
    as_administrator = {"Authorization": f"Bearer {system.administrator}"}
    async with httpx.AsyncClient(base_url=base, headers=as_administrator) as administrator:
        named = {"name": "bench", "role": "integrator", "city_code": "410183"}
        key = (await administrator.post("/api-keys", json=named)).json()
        settings = {
            "name": "bench",
            "profile": "wufei-hmac",
            "key_id": key["id"],
            "interfaces": ["list_submissions"],
        }
        partner = (await administrator.post("/partners", json=settings)).json()
        form = {"grant_type": "client_credentials"}
        asked = (key["id"], key["secret"])
        token = (await administrator.post("/oauth/token", data=form, auth=asked)).json()
    by_key = _by(f"Bearer {key['secret']}")
    by_token = _by(f"Bearer {token['access_token']}")
    rates: dict[str, list[float]] = {"key": [], "token": [], "signature": []}
    for number in range(_ROUNDS + 1):
        rounds = {"key": by_key, "token": by_token, "signature": _signed(partner)}
        for name, calls in rounds.items():
            done = await volley(system.port, calls, clients=8)
            assert set(done.statuses) == {200}, (name, done.statuses)
            if number:
                rates[name].append(done.rate)
    return [
        Measure("GET list by token", rates["token"], "by key", rates["key"], 0.85).line(),
        # One round trip more, which remembers the nonce.
        Measure("GET list by signature", rates["signature"], "by key", rates["key"], 0.5).line(),
    ]


def _by(bearer: str) -> list[bytes]:
    return [request("GET", f"{_LIST}?{_QUERY}", Authorization=bearer)] * _CALLS


def _signed(partner: dict[str, str]) -> list[bytes]:
    now = Clock.true_now()
    calls = [
        sign(
            PROFILES["wufei-hmac"],
            Call("GET", _LIST, {}, _QUERY),
            partner=partner["app_id"],
            secret=partner["secret"].encode(),
            now=now,
            nonce=secrets.token_hex(8),
        )
        for _ in range(_CALLS)
    ]
    return [request("GET", f"{_LIST}?{_QUERY}", body=b"", **one.headers) for one in calls]

"""The leader's page of the board, made anew and kept, beside the same bytes made ready before.

The ceiling is a bare route that holds the page already. Made anew: each request asks for a page
that nobody asked for before, so that who looks, what they may see, the reading of some fifteen
statements and the making of the page are in the figure. Kept: by links of many, who
all see the same.
"""

from datetime import timedelta

import httpx

from bench.load import request, volley
from bench.report import Measure, waiting
from bench.system import PLAN, System
from services.core.kit.clock import Clock

_ROUNDS = 5
_LINKS, _AGAIN, _CLIENTS = 40, 2000, 4
_PAGE = f"/board/plans/{PLAN}"
_ANEW_GOAL, _KEPT_GOAL = 0.3, 0.6


async def board(system: System, bare: int) -> list[str]:
    """Measure the leader's page by links, and how long one who looks alone waits for it."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.port}") as client:
        cookies = await _links(client, system, _LINKS)
        shown = await client.get(_PAGE, headers={"Cookie": cookies[0]})
        assert shown.status_code == 200, shown.text
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bare}") as plain:
            await plain.put("/ready", content=shown.content)
        anew, kept, ready, ready_too, waits = [], [], [], [], list[float]()
        for number in range(_ROUNDS):
            asked = [
                request("GET", f"{_PAGE}?{_written(number * _LINKS + place)}", Cookie=one)
                for place, one in enumerate(cookies)
            ]
            half = _LINKS // 2
            made = await volley(system.port, asked[:half], clients=_CLIENTS)
            alone = await volley(system.port, asked[half:], clients=1)
            by_each = [request("GET", _PAGE, Cookie=one) for one in cookies]
            again = await volley(system.port, by_each * (_AGAIN // _LINKS), clients=_CLIENTS)
            assert {*made.statuses, *alone.statuses, *again.statuses} == {200}
            plain_again = await volley(bare, [request("GET", "/ready")] * _AGAIN, clients=_CLIENTS)
            anew.append(made.rate)
            kept.append(again.rate)
            ready.append(plain_again.rate)
            ready_too.append(plain_again.rate)
            waits += [1000 * seconds for seconds in alone.latencies]
    name = "the same bytes, bare route"
    return [
        Measure("leader's page, made anew", anew, name, ready, _ANEW_GOAL).line(),
        Measure("leader's page, kept", kept, name, ready_too, _KEPT_GOAL).line(),
        waiting("leader's page, made anew, one client", waits),
    ]


def _written(number: int) -> str:
    """Return `period=2025` in a way of its own: a page is kept by the text that asked for it."""
    said = "period=2025"
    return "".join(
        f"%{ord(sign):02X}" if sign != "=" and number >> place & 1 else sign
        for place, sign in enumerate(said)
    )


async def _links(client: httpx.AsyncClient, system: System, amount: int) -> list[str]:
    """Return the cookies of so many new links."""
    later = (Clock.true_now() + timedelta(days=1)).isoformat()
    office = {"Authorization": f"Bearer {system.office}"}
    body = {"name": "bench", "expires_at": later}
    found = []
    for _ in range(amount):
        made = await client.post(f"/v1/plans/{PLAN}/board-links", json=body, headers=office)
        assert made.status_code == 201, made.text
        found.append(f"wufei_link={made.json()['path'].split('token=')[1]}")
    return found

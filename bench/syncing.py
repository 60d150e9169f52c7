"""Five hundred writes that a phone has kept while it had no network, and a delta of nothing.

Beside them stands the batch of as many rows, which merges nothing and keeps no write by its id.
"""

import gzip
import json
import time
from itertools import count, islice
from typing import Any

import httpx

from bench.places import place
from bench.report import Measure, waiting
from bench.system import PLAN, System
from services.core.kit.ids import new_id

_WRITES = 500
_ROUNDS = 7
_FROM = 110_000
"""The first place that no other benchmark reports for."""

_numbers = count(_FROM)
_BATCH = f"/v1/plans/{PLAN}/submissions/batch"


async def syncing(system: System, _bare: int) -> list[str]:
    """Measure a call of five hundred new writes and its bytes, the same again, and nothing."""
    new, again, batches, nothing, unchanged = [], [], [], [], []
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}",
        headers={"Authorization": f"Bearer {system.office}", "Content-Type": "application/json"},
        timeout=120,
    ) as client:
        for number in range(_ROUNDS + 1):
            sent = _writes()
            first = await _timed(client, "POST", "/v1/sync", sent)
            repeated = await _timed(client, "POST", "/v1/sync", sent)
            batch = await _timed(client, "POST", _BATCH, _rows())
            position, known = _knows(first[1].json())
            idle = json.dumps({"plan": PLAN, "position": position, "known": known}).encode()
            told = await _timed(client, "POST", "/v1/sync", idle)
            same = await _read(client, position, known)
            outcomes = {one["outcome"] for one in first[1].json()["results"]}
            assert outcomes == {"applied"}, outcomes
            if number:  # the first round warms everything up
                new.append(_WRITES / first[0])
                again.append(_WRITES / repeated[0])
                batches.append(_WRITES / batch[0])
                nothing.append(1000 * told[0])
                unchanged.append(1000 * same)
    return [
        Measure(f"sync: {_WRITES} new writes", new, "a batch of as many", batches, 0.3).line(),
        Measure("the same sent again", again, "a batch of as many", batches, 0.6).line(),
        _bytes(f"  {_WRITES} writes, sent", sent),
        _bytes(f"  {_WRITES} writes, answered", first[1].content),
        waiting("a delta of nothing", nothing),
        _bytes("  a delta of nothing, answered", told[1].content),
        waiting("the same as a GET with its ETag: 304", unchanged),
    ]


def _writes() -> bytes:
    writes = [
        {
            "id": str(new_id()),
            "kind": "submission.create",
            "submission_id": str(new_id()),
            "claimed_at": "2026-01-29T16:12:00+08:00",
            "data": row,
        }
        for row in _some()
    ]
    return json.dumps({"plan": PLAN, "writes": writes}).encode()


def _rows() -> bytes:
    return json.dumps({"items": _some()}).encode()


def _some() -> list[dict[str, Any]]:
    return [
        {
            "indicator_code": indicator,
            "organization_code": unit,
            "period": period,
            "value": "94.78",
            "note": "现场核对",
        }
        for number in islice(_numbers, _WRITES)
        for indicator, unit, period in [place(number)]
    ]


async def _timed(
    client: httpx.AsyncClient, method: str, path: str, body: bytes
) -> tuple[float, httpx.Response]:
    """Return how many seconds an answer took, and the answer."""
    started = time.perf_counter()
    answer = await client.request(method, path, content=body)
    taken = time.perf_counter() - started
    assert answer.status_code == 200, answer.text
    return taken, answer


def _knows(told: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """Return position and digests, as a phone sends them back."""
    names = (
        "obligations",
        "todo",
        "alerts",
        "conflicts",
        "milestone_conflicts",
        "register_row_conflicts",
        "refused",
    )
    return told["position"], {one: told[one]["digest"] for one in names if told[one]}


async def _read(client: httpx.AsyncClient, position: int, known: dict[str, str]) -> float:
    """Return how many seconds it takes to hear by a GET that nothing happened."""
    asked: dict[str, str] = {"plan": PLAN, "position": str(position)}
    asked |= {f"known_{name}": digest for name, digest in known.items()}
    first = await client.get("/v1/sync", params=asked)
    assert first.status_code == 200, first.text
    started = time.perf_counter()
    tag = {"If-None-Match": first.headers["ETag"]}
    same = await client.get("/v1/sync", params=asked, headers=tag)
    taken = time.perf_counter() - started
    assert same.status_code == 304, same.text
    return taken


def _bytes(what: str, content: bytes) -> str:
    """Return the line of how long something is, as it is and compressed."""
    return f"{what:<46}{len(content):>10,} B   as gzip {len(gzip.compress(content)):,} B"

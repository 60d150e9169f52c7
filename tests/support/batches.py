"""Batches of submissions: their rows, what they are answered, and what is kept of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import httpx

from tests.support.api import Door, a_submission, xinmi
from tests.support.reported import PATH

BATCH = f"{PATH}/batch"
COUNTS = ("created", "updated", "unchanged", "deleted", "rejected", "skipped")


def _places() -> Iterator[tuple[str, str]]:
    """Yield indicator and month of places that take a value as it is, each once."""
    codes = [
        one.code
        for one in xinmi().indicators
        if not one.levels and one.aggregation.units == "direct" and one.code not in {"U07", "U08"}
    ]
    for year, month, code in product(range(2022, 2026), range(1, 13), codes):
        yield code, f"{year}-{month:02}"


_free = _places()


def rows(amount: int, **changes: object) -> list[Mapping[str, object]]:
    """Return rows of as many places that no other test uses."""
    return [
        a_submission(indicator_code=code, period=period, **changes)
        for code, period in islice(_free, amount)
    ]


def counts(answer: httpx.Response) -> dict[str, int]:
    """Return the counts of a report that are not 0."""
    said = answer.json()
    return {name: said[name] for name in COUNTS if said[name]}


def codes(answer: httpx.Response) -> list[list[str]]:
    """Return the codes of the faults of each row."""
    return [[one["code"] for one in row["errors"]] for row in answer.json()["items"]]


async def sent(
    door: Door,
    items: Sequence[object],
    *,
    as_: tuple[str, str | None] = ("reporter", "UN15"),
    **more: Any,
) -> httpx.Response:
    """Return the answer to a batch."""
    params = more.pop("params", {})
    async with await door.as_(*as_) as client:
        return await client.post(BATCH, json={"items": items, **more}, params=params)


async def history_of(door: Door, submission_id: str) -> list[dict[str, Any]]:
    """Return the changes of a submission."""
    async with await door.as_("office") as office:
        answer = await office.get(f"/submissions/{submission_id}/history")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def events_of(door: Door, *ids: str) -> list[tuple[str, str]]:
    """Return (type, id) of the events of some submissions, in the order of the log."""
    await door.react()
    async with await door.as_("office") as office:
        answer = await office.get("/events", params={"limit": 500, "after": 0})
    return [
        (one["type"], one["subject"]["id"])
        for one in answer.json()["items"]
        if one["subject"]["id"] in ids
    ]


def ids_of(answer: httpx.Response) -> list[str]:
    return [row["id"] for row in answer.json()["items"]]

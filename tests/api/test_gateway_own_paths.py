"""A request of the contract's own paths is proved by what was sent, however it is read on."""

import csv
import io

import pytest

from services.core.gateways.signing import Call
from tests.support.api import XINMI, Door
from tests.support.batches import counts, rows
from tests.support.batches import sent as batch_sent
from tests.support.gateways import Platform, a_partner, sent

LIST = f"/v1/plans/{XINMI}/submissions"


@pytest.fixture(scope="module")
async def platform(door: Door) -> Platform:
    """A partner of the strong profile that may call everything."""
    return await a_partner(door)


@pytest.fixture(scope="module")
async def reported(door: Door) -> int:
    """More submissions than one page of a list holds."""
    made = await batch_sent(door, rows(510))
    assert counts(made) == {"created": 510}
    return 510


@pytest.mark.parametrize(
    ("path", "query", "accept"),
    [
        (f"{LIST}.csv", "", None),
        (f"{LIST}.csv", "organization_code=UN15&state=submitted", None),
        (LIST, "", "text/csv"),
        (f"{LIST}.csv", "page_size=500", None),
    ],
)
async def test_a_whole_list_is_fetched_by_one_signature(
    door: Door, platform: Platform, reported: int, path: str, query: str, accept: str | None
) -> None:
    more = {} if accept is None else {"Accept": accept}
    answer = await sent(door, platform.sign(Call("GET", path, {}, query)), **more)
    assert answer.status_code == 200, answer.text
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(lines) > (500 if "page_size" in query else reported)


async def test_a_workbook_and_a_catalogue_are_fetched_as_well(
    door: Door, platform: Platform, reported: int
) -> None:
    assert reported
    for path, query in (
        (f"{LIST}.xlsx", ""),
        ("/v1/catalog.csv", f"plan={XINMI}"),
        (f"/v1/plans/{XINMI}/indicators.csv", ""),
    ):
        answer = await sent(door, platform.sign(Call("GET", path, {}, query)))
        assert answer.status_code == 200, (path, answer.text)


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        (Call("GET", LIST), Call("GET", f"{LIST}.csv")),
        (Call("GET", f"{LIST}.csv"), Call("GET", LIST)),
        (Call("GET", LIST), Call("HEAD", LIST)),
        (Call("HEAD", LIST), Call("GET", LIST)),
        (Call("GET", LIST, {}, "page_size=500"), Call("GET", f"{LIST}.csv")),
    ],
    ids=lambda call: f"{call.method} {call.path.rpartition('/')[2]}",
)
async def test_a_signature_of_another_request_is_none(
    door: Door, platform: Platform, signed: Call, asked: Call
) -> None:
    headers = platform.sign(signed).headers
    refused = await sent(door, Call(asked.method, asked.path, headers, asked.query))
    assert refused.status_code == 401
    if asked.method == "GET":
        assert refused.json()["code"] == "signature-wrong"


async def test_head_is_signed_as_head_and_answered_as_get_without_a_body(
    door: Door, platform: Platform
) -> None:
    for path in (LIST, f"{LIST}.csv"):
        answer = await sent(door, platform.sign(Call("HEAD", path)))
        assert (answer.status_code, answer.content) == (200, b""), path


async def test_a_list_of_many_pages_is_one_call_in_the_statistics(
    door: Door, reported: int
) -> None:
    assert reported
    partner = await a_partner(door)
    answer = await sent(door, partner.sign(Call("GET", f"{LIST}.csv")))
    assert answer.status_code == 200, answer.text
    await door.held.partners.note_use()
    async with door.client(door.admin_secret) as admin:
        told = await admin.get(f"/partners/{partner.id}/statistics")
    (use,) = told.json()["items"]
    assert (use["interface"], use["calls"], use["faults"]) == ("list_submissions", 1, 0)

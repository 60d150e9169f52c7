"""A list of many pages as a file, served as in production: whole, and the connection goes on."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from services.api.exports import answering
from services.api.table_forms import Form
from tests.support.api import IN_TIME, XINMI, Door
from tests.support.reported import a_period, reported
from tests.support.serving import served

PLAN = f"/v1/plans/{XINMI}"
LISTS = [
    "/v1/organizations", "/v1/api-keys", "/v1/audit", "/v1/events", f"{PLAN}/submissions",
    f"{PLAN}/obligations", f"{PLAN}/periods", f"{PLAN}/indicators",
]  # fmt: skip


@pytest.fixture
def short_pages() -> Iterator[None]:
    """Pages of two rows."""
    kept = [(one, one.most) for one in (answering._BY_TOKEN, answering._BY_POSITION)]
    for one, _ in kept:
        object.__setattr__(one, "most", 2)
    yield
    for one, most in kept:
        object.__setattr__(one, "most", most)


@pytest.mark.usefixtures("short_pages")
async def test_a_file_of_many_pages_ends_well_and_so_does_what_the_connection_asks_next(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        await reported(door, period=a_period())
    await door.react()
    async with await door.as_("office") as office:
        opened = await office.post(f"/plans/{XINMI}/periods/2025-11/open", json=IN_TIME)
        assert opened.status_code == 200, opened.text
    secrets = (door.admin_secret, await door.new_key("office"), await door.new_key("superior"))
    many = set()
    async with served(door.app) as port:
        for secret in secrets:
            headers = {"Authorization": f"Bearer {secret}"}
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
            ) as client:
                for path in LISTS:
                    many |= {path} if await _read(client, path) else set()
    assert len(many) >= 5, many
    faults = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert not faults, faults[0].getMessage()


async def _read(client: httpx.AsyncClient, path: str) -> bool:
    """Read a list in both forms, then change nothing by the same connection; was it of pages?"""
    listed = await client.get(path, params={"limit": 2} if path.endswith("events") else {})
    if listed.status_code != httpx.codes.OK:
        return False
    for form in Form:
        file = await client.get(path + form.suffix)
        assert file.status_code == 200, (path, file.text)
        here = file.extensions["network_stream"].get_extra_info("client_addr")
        following = await client.get("/v1/me")
        assert following.status_code == 200, path
        there = following.extensions["network_stream"].get_extra_info("client_addr")
        assert here == there, f"{path}: the connection was cut"
    return len((await client.get(f"{path}.csv")).text.splitlines()) > 3

"""Who asks, and what there is to be asked for."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import pytest

from services.core.milestones.models import Milestone
from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import an_appeal, an_assessment
from tests.support.board import a_board_link_id
from tests.support.connectors import a_connector
from tests.support.device import a_conflict, a_milestone_conflict, a_row_conflict
from tests.support.duties import add
from tests.support.gateways import a_partner
from tests.support.hostile import MADE
from tests.support.milestones import a_milestone_in, an_extension
from tests.support.observed import an_observation, load_sources
from tests.support.papers import a_paper
from tests.support.people import a_provider, people_named
from tests.support.registers import a_register_row

OF_PEOPLE = ("/v1/users", "/v1/posts", "/v1/sign-in-providers")

OF_THE_OFFICE = ("/items", "/retry", "/batches", "/statements", "/reconciliation")
"""Paths of connectors that say what is reported."""


@pytest.fixture
async def office(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("office") as client:
        client.base_url = httpx.URL("http://wufei.test")
        yield client


@pytest.fixture
async def admin(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.client(door.admin_secret) as client:
        client.base_url = httpx.URL("http://wufei.test")
        yield client


@pytest.fixture
async def security(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("security_admin") as client:
        client.base_url = httpx.URL("http://wufei.test")
        yield client


@pytest.fixture
def asker(
    office: httpx.AsyncClient, admin: httpx.AsyncClient, security: httpx.AsyncClient
) -> Callable[[str], httpx.AsyncClient]:
    """Return who gets as far as the body of a path."""

    def of(path: str) -> httpx.AsyncClient:
        if path.startswith(("/v1/api-keys", "/v1/partners", "/v1/connectors")):
            return office if path.endswith(OF_THE_OFFICE) else admin
        return security if path.startswith(OF_PEOPLE) else office

    return of


@pytest.fixture(scope="module")
async def submission_id(door: Door) -> str:
    """A draft that can be changed; the office, which did not write it, may review it."""
    async with await door.as_("reporter", "UN15") as client:
        made = await client.post(
            f"/plans/{XINMI}/submissions", json=a_submission(period="2023", draft=True)
        )
    return str(made.json()["id"])


@pytest.fixture(scope="module")
async def endpoint_id(door: Door) -> str:
    """A webhook endpoint that can be changed."""
    async with await door.as_("office") as client:
        made = await client.post("/webhook-endpoints", json={"url": "https://example.org/"})
    return str(made.json()["id"])


@pytest.fixture(scope="module")
async def things(door: Door) -> AsyncIterator[None]:
    """What a verb finds before it reads its body: of every kind whose verbs have one."""
    await load_sources(door)
    MADE["assessment_id"] = await an_assessment(door)
    MADE["appeal_id"] = await an_appeal(door)
    MADE["milestone_id"] = str((await a_milestone_in(door, "assigned")).json()["id"])
    MADE["extension_id"] = str((await an_extension(door)).json()["id"])
    MADE["conflict_id"] = await a_conflict(door)
    MADE["milestone_conflict_id"] = await a_milestone_conflict(door)
    MADE["register_row_conflict_id"] = await a_row_conflict(door)
    MADE["observation_id"] = await an_observation(door)
    MADE["alert_id"] = await _an_alert(door)
    MADE["obligation_id"] = await _an_obligation(door)
    async with door.client(door.admin_secret) as client:
        made = await client.post("/api-keys", json={"name": "备用", "role": "leader"})
    MADE["key_id"] = made.json()["id"]
    MADE["partner_id"] = (await a_partner(door)).id
    MADE["row_id"] = await a_register_row(door)
    MADE["link_id"] = await a_board_link_id(door)
    MADE["paper_id"] = await a_paper(door)
    MADE["provider_id"] = await a_provider(door)
    MADE["connector_id"] = await a_connector(door)
    MADE.update(await people_named(door, 1, left=False))
    yield
    MADE.clear()


async def _an_alert(door: Door) -> str:
    day = door.held.clock.today("Asia/Shanghai") - timedelta(days=4)
    await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    await door.sweep()
    async with await door.as_("office") as client:
        found = await client.get(f"/plans/{XINMI}/alerts?rule=milestone_due&state=open")
    return str(found.json()["items"][0]["id"])


async def _an_obligation(door: Door) -> str:
    due = (door.held.clock.today("Asia/Shanghai") + timedelta(days=30)).isoformat()
    async with await door.as_("office") as client:
        await client.post(f"/plans/{XINMI}/periods/2024/open", json={"due_date": due})
        found = await client.get(f"/plans/{XINMI}/obligations?page_size=1")
    return str(found.json()["items"][0]["id"])

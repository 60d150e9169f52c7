"""No operation stops the process: whoever calls is answered, however few connections there are."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from services.api.plan_cache import PlanCache
from services.core.kit.database import connect
from services.core.kit.one_connection import SecondConnection
from services.core.kit.replicas import Reads
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from tests.support.api import XINMI, Door, open_door
from tests.support.contract import ASKS_APPS, BY_OTHERS, GATEWAY_PATH
from tests.support.ground import Ground, prepare, who_may
from tests.support.operations import OPERATIONS, good_request, takes_the_ground
from tests.support.statements_counted import bare_lookups, statements_of

CONNECTIONS = 2
CALLERS = 8
ANSWERED_WITHIN_SECONDS = 120
"""For all callers of an operation. A stalled pool gives up after 15 s and answers 503."""


@pytest.fixture(scope="module")
async def narrow(module_database_url: str) -> AsyncIterator[Door]:
    """The API with fewer connections than callers, and readings as a replica allows them."""
    environment = {"WUFEI_DATABASE_CONNECTIONS": str(CONNECTIONS)}
    only_reads = f"{module_database_url}?options=-c%20default_transaction_read_only%3Don"
    async with (
        open_door(module_database_url, environment=environment) as opened,
        connect(only_reads, size=CONNECTIONS, replica=_any) as replica,
    ):
        held = opened.held
        opened.app.state.resources = replace(held, reads=Reads(replica))
        yield opened


async def _any(_connection: object) -> None:
    """Let a connection be used, wherever it leads."""


@pytest.fixture(scope="module")
async def ground(narrow: Door) -> Ground:
    """Something for every operation to be about."""
    return await prepare(narrow, OPERATIONS)


LABELS: list[str] = sorted(
    (label for label in OPERATIONS if not label.endswith(tuple(ASKS_APPS))), key=takes_the_ground
)
"""What asks a government app is asked by many in `test_signing_in_by_app`."""


@pytest.mark.parametrize("label", LABELS)
async def test_every_operation_answers_more_callers_than_there_are_connections(
    narrow: Door, ground: Ground, label: str
) -> None:
    method, path, sent = good_request(label, ground)
    url = str(narrow.client(None).base_url.join(path))

    async def call(client: httpx.AsyncClient, number: int) -> httpx.Response:
        if label.endswith(GATEWAY_PATH):  # what is signed is let in once
            signed = ground.platform.signed("list_indicators", {"plan": XINMI})
            return await client.post(url, content=signed.body, headers=dict(signed.headers))
        if method == "POST":  # the key is claimed before anything else is asked of Postgres
            headers = {**sent["headers"], "Idempotency-Key": f"{label} {number}"}
            return await client.request(method, url, **{**sent, "headers": headers})
        return await client.request(method, url, **sent)

    secret = None if label.endswith((".ics", *BY_OTHERS)) else ground.secrets[who_may(label)]
    async with narrow.client(secret) as client, asyncio.timeout(ANSWERED_WITHIN_SECONDS):
        await narrow.forget_everything()
        answers = await asyncio.gather(*(call(client, number) for number in range(CALLERS)))
    statuses = [answer.status_code for answer in answers]
    assert max(statuses) < 500, statuses
    assert min(statuses) < 300, answers[0].text


@pytest.mark.parametrize("in_a_session", [True, False])
async def test_one_of_many_who_wait_for_a_plan_reads_it(
    narrow: Door, *, in_a_session: bool
) -> None:
    database = narrow.held.database
    plans = PlanCache(database, narrow.held.watch, kept=timedelta(hours=1))

    async def wait() -> PlanState:
        if not in_a_session:
            return await plans.of_city("410183", XINMI)
        async with database.sessions() as session:
            _ = await session.connection()
            return await plans.of_city("410183", XINMI, session)

    async with database.sessions() as session:
        before = await plan_state(session, "410183", XINMI)
    await narrow.forget_everything()
    with statements_of(narrow) as sent, bare_lookups() as alone:
        states = await asyncio.gather(*(wait() for _ in range(5 * CALLERS)))
    assert {id(state) for state in states} == {id(before)}, "what was read before is used again"
    assert len([one for one in [*sent, *alone] if "FROM plan" in one]) == 1


async def test_a_request_that_asks_for_a_second_connection_is_refused_at_once(
    narrow: Door,
) -> None:
    database = narrow.held.database
    async with database.transaction() as session:
        _ = await session.connection()
        with pytest.raises(SecondConnection):
            await database.pool.fetchval("SELECT 1")
        with pytest.raises(SecondConnection):
            async with database.transaction() as second:
                _ = await second.connection()

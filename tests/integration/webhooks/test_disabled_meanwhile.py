"""An endpoint is disabled while something is planned for it: nothing waits for it afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.reading import Follower, follow
from services.core.events.service import number_committed
from services.core.identity.actor import Actor
from services.core.webhooks import lifecycle, planning, recovery
from services.core.webhooks.models import WebhookEndpoint
from tests.integration.webhooks.receivers import CITY, Receivers, happening

Work = Callable[[AsyncSession], Awaitable[object]]
End = Callable[..., Coroutine[Any, Any, None]]


async def _waits(receivers: Receivers) -> bool:
    """Whether somebody waits for another's lock in this database."""
    [row] = await receivers.rows(
        "SELECT count(*) AS number FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    return bool(row.number)


async def _beside(receivers: Receivers, first: Work, second: Work) -> None:
    """Do the first, and the second before that is committed, as far as it may come."""
    done, may_commit = asyncio.Event(), asyncio.Event()

    async def do_first() -> None:
        async with receivers.database.transaction() as session:
            await first(session)
            done.set()
            await may_commit.wait()

    async def do_second() -> None:
        async with receivers.database.transaction() as session:
            await second(session)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(do_first())
        await done.wait()
        beside = tasks.create_task(do_second())
        while not beside.done() and not await _waits(receivers):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        may_commit.set()


def _following(receivers: Receivers, follower: Follower) -> Work:
    async def work(session: AsyncSession) -> None:
        await follow(session, CITY, follower, receivers.clock)

    return work


def _ending(receivers: Receivers, endpoint: WebhookEndpoint, owner: Actor, end: End) -> Work:
    async def work(session: AsyncSession) -> None:
        present = await session.get_one(WebhookEndpoint, (CITY, endpoint.id))
        await end(session, present, actor=owner, now=receivers.clock.now())

    return work


async def _number(receivers: Receivers) -> None:
    async with receivers.database.transaction() as session:
        await number_committed(session, CITY)


@pytest.mark.parametrize("end", [lifecycle.disable, lifecycle.delete_endpoint])
@pytest.mark.parametrize("planned_first", [True, False])
async def test_what_is_planned_beside_the_end_of_an_endpoint_does_not_wait_for_it(
    receivers: Receivers, end: End, *, planned_first: bool
) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    other = await receivers.endpoint(owner)
    await receivers.pass_over()
    before = await receivers.due(other)
    await receivers.happen(happening(), happening())
    await _number(receivers)
    works = [
        _following(receivers, planning.FOLLOWER),
        _ending(receivers, endpoint, owner, end),
    ]
    await _beside(receivers, *(works if planned_first else reversed(works)))
    assert await receivers.due(endpoint) == []
    assert len(await receivers.due(endpoint, "cancelled")) == (2 if planned_first else 0)
    assert len(await receivers.due(other)) == len(before) + 2


@pytest.mark.parametrize("end", [lifecycle.disable, lifecycle.delete_endpoint])
@pytest.mark.parametrize("sent_first", [True, False])
async def test_what_is_sent_again_beside_the_end_of_an_endpoint_does_not_wait_for_it(
    receivers: Receivers, end: End, *, sent_first: bool
) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(happening(), happening())
    await receivers.pass_over()
    due = await receivers.due(endpoint)
    await receivers.settle(endpoint, "failed", due)
    async with receivers.database.transaction() as session:
        since = await session.scalar(text("SELECT min(occurred_at) FROM event"))
        present = await session.get_one(WebhookEndpoint, (CITY, endpoint.id))
        await recovery.begin_replay(
            session, present, since=since, actor=owner, clock=receivers.clock
        )
    await _number(receivers)
    while await receivers.turn():
        pass
    works = [
        _following(receivers, recovery.FOLLOWER),
        _ending(receivers, endpoint, owner, end),
    ]
    await _beside(receivers, *(works if sent_first else reversed(works)))
    assert due
    assert await receivers.due(endpoint) == []
    assert await receivers.due(endpoint, "cancelled" if sent_first else "failed") == due

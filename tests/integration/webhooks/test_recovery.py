"""What was not delivered is sent again: all of it, nothing else, in order, and after a crash."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.identity.actor import Actor
from services.core.kit import operations
from services.core.kit.clock import Clock
from services.core.kit.errors import InvalidInput
from services.core.kit.operations import Operation
from services.core.webhooks import lifecycle, recovery
from services.core.webhooks.errors import EndpointTransitionRefused
from services.core.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.integration.webhooks.receivers import CITY, Receivers, happening
from tests.support.owner import as_owner


@pytest.fixture
async def receivers(receivers: Receivers) -> Receivers:
    """The receivers, whose replays go by ten positions at a time."""
    receivers.stretch = 10
    return receivers


async def _begin(
    receivers: Receivers, endpoint: WebhookEndpoint, owner: Actor, since: datetime
) -> UUID:
    async with receivers.database.transaction() as session:
        begun = await recovery.begin_replay(
            session, endpoint, since=since, actor=owner, clock=receivers.clock
        )
        await number_committed(session, CITY)
    return begun.id


async def _operation(receivers: Receivers, operation_id: UUID) -> Operation:
    async with receivers.database.sessions() as session:
        return await operations.operation_of(session, CITY, operation_id)


async def _replayed(receivers: Receivers, operation_id: UUID) -> Operation:
    for _ in range(100):
        await receivers.pass_over()
        operation = await _operation(receivers, operation_id)
        if operation.state not in operations.OPEN:
            return operation
    raise AssertionError("a replay ends")


async def test_what_failed_was_cancelled_or_missed_is_sent_again_and_nothing_else(
    receivers: Receivers,
) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner, event_types=["submission.approved"])
    beside = await receivers.endpoint(owner)
    await receivers.happen(*(happening() for _ in range(30)))
    await receivers.pass_over()
    await receivers.settle(endpoint, "delivered", range(1, 11))
    await receivers.settle(endpoint, "failed", range(11, 16))
    await receivers.settle(beside, "failed", range(1, 31))
    async with receivers.database.transaction() as session:
        present = await session.get(WebhookEndpoint, (CITY, endpoint.id))
        assert present is not None
        await lifecycle.disable(session, present, actor=owner, now=receivers.clock.now())
    assert await receivers.due(endpoint, "cancelled") == list(range(16, 31))
    await receivers.happen(*(happening() for _ in range(12)), happening("alert.raised"))
    await receivers.pass_over()
    async with receivers.database.transaction() as session:
        present = await session.get(WebhookEndpoint, (CITY, endpoint.id))
        assert present is not None
        await lifecycle.enable(session, present, actor=owner, now=receivers.clock.now())
    assert await receivers.due(endpoint) == []

    begun = await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1))
    over = await _replayed(receivers, begun)
    # Position 31 is the event of the disabling, which is not told to the endpoint itself.
    again = [*range(11, 31), *range(32, 44)]
    assert await receivers.due(endpoint) == again
    assert await receivers.due(endpoint, "delivered") == list(range(1, 11))
    assert await receivers.due(beside, "failed") == list(range(1, 31)), "another's are not touched"
    assert (over.state, over.result) == ("succeeded", {"resent": len(again)})
    rows = await receivers.rows(
        "SELECT attempts - attempts_before AS tries, manual FROM webhook_delivery"
        " WHERE endpoint_id = :id AND state = 'pending'",
        id=endpoint.id,
    )
    assert {(row.tries, row.manual) for row in rows} == {(0, False)}, "the schedule begins anew"

    await receivers.settle(endpoint, "delivered", again)
    second = await _replayed(
        receivers,
        await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1)),
    )
    assert second.result == {"resent": 0}
    assert await receivers.due(endpoint) == []


async def test_only_what_happened_since_is_sent_again(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(happening(), happening())
    since = receivers.clock.now()
    await receivers.happen(happening(), happening())
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", range(1, 5))
    await _replayed(receivers, await _begin(receivers, endpoint, owner, since))
    assert await receivers.due(endpoint) == [3, 4]


async def test_a_replay_goes_on_after_a_crash_where_it_was(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(*(happening() for _ in range(45)))
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", range(1, 46))
    begun = await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1))
    await receivers.pass_over()
    assert (await _operation(receivers, begun)).progress["resent"] == 10
    with pytest.raises(ZeroDivisionError):
        await _lost_stretch(receivers)
    assert (await _operation(receivers, begun)).progress["resent"] == 10
    await receivers.settle(endpoint, "delivered", range(1, 11))
    over = await _replayed(receivers, begun)
    assert over.result == {"resent": 45}
    assert await receivers.due(endpoint) == list(range(11, 46)), "what came through stays so"


async def _lost_stretch(receivers: Receivers) -> None:
    async with receivers.database.transaction() as session:
        await follow(session, CITY, recovery.FOLLOWER, receivers.clock, most=receivers.stretch)
        raise ZeroDivisionError


async def test_a_long_replay_lets_the_pass_end_and_others_be_told(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(*(happening() for _ in range(45)))
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", range(1, 46))
    await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1))
    assert not await receivers.replay_turn(), "one stretch a pass"
    await receivers.happen(happening())
    await receivers.pass_over()
    assert 47 in await receivers.due(endpoint)


async def test_a_cancelled_replay_goes_no_further(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(*(happening() for _ in range(45)))
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", range(1, 46))
    begun = await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1))
    await receivers.pass_over()
    async with receivers.database.transaction() as session:
        operation = await operations.operation_of(session, CITY, begun, for_update=True)
        await operations.cancel(session, operation, now=receivers.clock.now())
    for _ in range(3):
        await receivers.pass_over()
    assert await receivers.due(endpoint) == list(range(1, 11))


async def test_a_replay_to_an_endpoint_that_is_gone_ends(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(happening())
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", [1])
    begun = await _begin(receivers, endpoint, owner, receivers.clock.now() - timedelta(hours=1))
    async with receivers.database.transaction() as session:
        present = await session.get(WebhookEndpoint, (CITY, endpoint.id))
        assert present is not None
        await lifecycle.delete_endpoint(session, present, actor=owner, now=receivers.clock.now())
    over = await _replayed(receivers, begun)
    assert (over.state, over.result) == ("cancelled", {"resent": 0})
    assert await receivers.due(endpoint, "failed") == [1]


@pytest.mark.parametrize("days", [-1, 91])
async def test_a_replay_is_of_the_last_ninety_days(receivers: Receivers, days: int) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    since = datetime.now(UTC) - timedelta(days=days)  # noqa: TID251 (the same as the clock's)
    with pytest.raises(InvalidInput):
        await _begin(receivers, endpoint, owner, since)


async def test_since_is_the_time_that_events_show_whatever_the_domain_clock(
    receivers: Receivers,
) -> None:
    receivers.clock = Clock(timedelta(days=200))
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    shown = receivers.clock.now()
    await receivers.happen(happening())
    await as_owner(receivers.database.dsn, "UPDATE event SET occurred_at = $1", shown)
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", [1])
    await _replayed(receivers, await _begin(receivers, endpoint, owner, shown))
    assert await receivers.due(endpoint) == [1]


async def test_a_retry_is_sent_next_and_once(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(happening(), happening())
    await receivers.pass_over()
    await receivers.settle(endpoint, "failed", [1])
    await receivers.execute(
        "UPDATE webhook_delivery SET attempts = 3, next_attempt_at = now() + interval '1 hour'"
        " WHERE position = 2"
    )
    for position in (1, 2):
        await _retry(receivers, endpoint, position)
    rows = await receivers.rows(
        "SELECT state, manual, attempts - attempts_before AS tries, next_attempt_at <= now() AS due"
        " FROM webhook_delivery ORDER BY position"
    )
    assert [tuple(row) for row in rows] == [
        ("pending", True, 0, True),
        ("pending", False, 3, True),
    ], "what waited stays on its schedule"


async def test_nothing_is_retried_at_an_endpoint_that_is_disabled(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.happen(happening())
    await receivers.pass_over()
    await receivers.execute("UPDATE webhook_endpoint SET state = 'disabled', state_reason = 'gone'")
    with pytest.raises(EndpointTransitionRefused):
        await _retry(receivers, endpoint, 1)


async def _retry(receivers: Receivers, endpoint: WebhookEndpoint, position: int) -> None:
    async with receivers.database.transaction() as session:
        delivery = await session.scalar(
            select(WebhookDelivery).where(WebhookDelivery.position == position)
        )
        present = await session.get(WebhookEndpoint, (CITY, endpoint.id))
        assert delivery is not None
        assert present is not None
        await recovery.retry(session, delivery, present)

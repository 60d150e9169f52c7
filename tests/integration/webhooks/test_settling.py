"""What came of deliveries, written with the lease they were claimed under and not without."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.webhooks.dispatch import Claimed
from services.core.webhooks.health import FAILING_AFTER
from services.core.webhooks.models import WebhookDelivery, WebhookEndpoint
from services.core.webhooks.recovery import retry
from services.core.webhooks.schedule import DeliveryFate
from services.core.webhooks.sending import Outcome
from services.core.webhooks.settling import Result, settle
from tests.integration.webhooks.claims import URL, take
from tests.support.planted import CITY, Planted

DELIVERED = Outcome("delivered", 7, status_code=204, said="204 No Content")
FAILED = Outcome("status", 9, status_code=500, said="500 Oh")
GONE = Outcome("status", 3, status_code=410, said="410 Gone")
AGAIN = DeliveryFate("pending", 300)
SHOWN = {"method": "POST", "url": URL, "headers": {"webhook-id": "x"}}


async def write(
    planted: Planted,
    claimed: Claimed,
    token: UUID,
    outcome: Outcome = DELIVERED,
    fate: DeliveryFate | None = None,
    pause: float | None = None,
) -> int:
    """Settle one, and commit."""
    follows = fate or DeliveryFate("delivered" if outcome.kind == "delivered" else "failed")
    result = Result(claimed, token, outcome, follows, pause, SHOWN)
    async with planted.database.transaction() as session:
        return await settle(session, CITY, [result], now=Clock().now())


async def one_claimed(planted: Planted, **columns: Any) -> tuple[Claimed, UUID]:
    endpoint = await planted.endpoint(URL, **columns)
    await planted.deliveries(endpoint)
    token = new_id()
    (claimed,) = await take(planted, token=token)
    return claimed, token


async def test_a_success_is_written_with_its_attempt(planted: Planted) -> None:
    claimed, token = await one_claimed(planted)
    assert await write(planted, claimed, token) == 1
    row = await planted.delivery(claimed.id)
    assert (row.state, row.lease_token, row.lease_until) == ("delivered", None, None)
    assert row.settled_at is not None
    (attempt,) = await planted.attempts(claimed.id)
    assert (attempt.outcome, attempt.status_code, attempt.duration_ms) == ("delivered", 204, 7)
    assert (attempt.response_head, attempt.request_head) == ("204 No Content", SHOWN)
    endpoint = await planted.endpoint_row(claimed.endpoint_id)
    assert (endpoint.state, endpoint.consecutive_failures) == ("active", 0)


async def test_a_failure_is_due_again_when_the_schedule_says(planted: Planted) -> None:
    claimed, token = await one_claimed(planted)
    await write(planted, claimed, token, FAILED, AGAIN)
    row = await planted.delivery(claimed.id)
    assert (row.state, row.settled_at, row.attempts, row.attempts_before) == ("pending", None, 1, 0)
    waits = row.next_attempt_at - Clock.true_now()
    assert timedelta(seconds=240) < waits <= timedelta(seconds=300)
    endpoint = await planted.endpoint_row(claimed.endpoint_id)
    assert endpoint.consecutive_failures == 1
    assert endpoint.failing_since is not None


async def test_what_does_not_count_spends_no_attempt(planted: Planted) -> None:
    claimed, token = await one_claimed(planted)
    stopped = Outcome("interrupted", 0, said="stopped")
    await write(planted, claimed, token, stopped, DeliveryFate("pending", 0, counted=False))
    (again,) = await take(planted)
    assert (again.number, again.tries) == (2, 1)
    endpoint = await planted.endpoint_row(claimed.endpoint_id)
    assert endpoint.consecutive_failures == 0


async def test_a_late_result_changes_nothing_and_is_noted_as_superseded(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    await planted.deliveries(endpoint)
    stale, fresh = new_id(), new_id()
    (first,) = await take(planted, token=stale, lease=0)
    (second,) = await take(planted, token=fresh)
    assert await write(planted, first, stale, GONE) == 0
    assert (await planted.delivery(first.id)).state == "pending"
    assert (await planted.endpoint_row(endpoint)).state == "active"
    assert await write(planted, second, fresh) == 1
    one, two = await planted.attempts(first.id)
    assert (one.outcome, one.status_code) == ("superseded", 410)
    assert two.outcome == "delivered"
    assert (await planted.delivery(first.id)).state == "delivered"


async def test_a_result_written_twice_stays_as_it_was(planted: Planted) -> None:
    claimed, token = await one_claimed(planted)
    await write(planted, claimed, token, FAILED, AGAIN)
    assert await write(planted, claimed, token, FAILED, AGAIN) == 0
    (attempt,) = await planted.attempts(claimed.id)
    assert attempt.outcome == "status"
    endpoint = await planted.endpoint_row(claimed.endpoint_id)
    assert endpoint.consecutive_failures == 1


async def test_a_lease_that_is_over_still_settles_where_nobody_took_over(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    await planted.deliveries(endpoint)
    token = new_id()
    (claimed,) = await take(planted, token=token, lease=0)
    assert await write(planted, claimed, token) == 1


async def test_what_was_cancelled_under_way_and_arrived_counts_as_delivered(
    planted: Planted,
) -> None:
    for outcome, state in ((DELIVERED, "delivered"), (FAILED, "cancelled")):
        claimed, token = await one_claimed(planted)
        await planted.rows(
            "UPDATE webhook_delivery SET state = 'cancelled' WHERE settled_at IS NULL"
        )
        await write(planted, claimed, token, outcome, AGAIN if outcome is FAILED else None)
        assert (await planted.delivery(claimed.id)).state == state


async def test_gone_closes_the_endpoint_cancels_what_waits_and_tells_its_owner(
    planted: Planted,
) -> None:
    owner = {"role": "integrator", "organization_code": "UN15", "plan_code": "p"}
    claimed, token = await one_claimed(planted, owner=owner)
    other = await planted.endpoint(URL)
    waiting = await planted.deliveries(claimed.endpoint_id, other, number=3)
    await write(planted, claimed, token, GONE, AGAIN)
    endpoint = await planted.endpoint_row(claimed.endpoint_id)
    assert (endpoint.state, endpoint.state_reason) == ("disabled", "gone")
    states = [(await planted.delivery(each)).state for each in waiting]
    assert states == ["cancelled", "pending"] * 3
    assert (await planted.delivery(claimed.id)).state == "cancelled"
    (told,) = await planted.happened("webhook.disabled")
    assert told.items() >= {"reason": "gone", "url": URL}.items()
    (event,) = await planted.rows(
        "SELECT organization_code, plan_code, subject_kind, subject_id FROM event"
    )
    assert tuple(event) == ("UN15", "p", "webhook_endpoint", str(claimed.endpoint_id))


async def test_an_owner_is_warned_once_at_each_step_and_told_of_the_end(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    for days in (1, 2.6, 2.7, 3.6, 4.6, 4.7, 5.1, 6):
        await planted.rows(
            "UPDATE webhook_endpoint SET failing_since = now() - make_interval(secs => :old)",
            old=days * 86400,
        )
        await planted.deliveries(endpoint)
        token = new_id()
        for claimed in await take(planted, token=token):
            await write(planted, claimed, token, FAILED)
    warned = [each["percent"] for each in await planted.happened("webhook.failing")]
    assert warned == [50, 70, 90]
    (told,) = await planted.happened("webhook.disabled")
    assert told["reason"] == "failing"
    row = await planted.endpoint_row(endpoint)
    assert (row.state, row.state_reason) == ("disabled", "failing")
    assert await take(planted) == []


async def test_a_success_ends_a_failing(planted: Planted) -> None:
    now = Clock.true_now()
    claimed, token = await one_claimed(
        planted,
        state="failing",
        consecutive_failures=FAILING_AFTER,
        failing_since=now - timedelta(days=4),
        warned=70,
    )
    await write(planted, claimed, token)
    row = await planted.endpoint_row(claimed.endpoint_id)
    assert (row.state, row.consecutive_failures, row.failing_since, row.warned) == (
        *("active", 0, None, 0),
    )


async def test_a_pause_holds_for_everything_that_waits_for_the_endpoint(planted: Planted) -> None:
    claimed, token = await one_claimed(planted)
    await planted.deliveries(claimed.endpoint_id, number=5)
    later = Outcome("status", 3, status_code=429, said="429", retry_after="30")
    await write(planted, claimed, token, later, DeliveryFate("pending", 30), pause=30)
    assert await take(planted) == []
    await planted.rows("UPDATE webhook_endpoint SET paused_until = now()")
    assert len(await take(planted)) == 5


async def test_workers_who_settle_one_endpoint_at_once_do_not_stand_in_each_others_way(
    planted: Planted,
) -> None:
    endpoints = [await planted.endpoint(URL) for _ in range(6)]
    await planted.deliveries(*endpoints, number=20)
    batches = []
    for _ in range(6):
        token = new_id()
        claimed = await take(planted, most=20, each=20, token=token)
        batches.append([Result(one, token, FAILED, AGAIN, None, SHOWN) for one in claimed])

    async def settle_all(results: list[Result]) -> int:
        async with planted.database.transaction() as session:
            return await settle(session, CITY, results, now=Clock().now())

    settled = await asyncio.gather(*map(settle_all, batches))
    assert sum(settled) == sum(map(len, batches)) >= 100
    failures = [(await planted.endpoint_row(each)).consecutive_failures for each in endpoints]
    assert sum(failures) == sum(settled)


async def _delivered_and_sent_again(planted: Planted) -> tuple[Claimed, UUID]:
    """Return the second sending, asked for by hand, of what the first one delivered."""
    claimed, token = await one_claimed(planted)
    await write(planted, claimed, token)
    async with planted.database.transaction() as session:
        row = await session.get_one(WebhookDelivery, (claimed.city_code, claimed.id))
        place = (claimed.city_code, claimed.endpoint_id)
        await retry(session, row, await session.get_one(WebhookEndpoint, place))
    again = new_id()
    (second,) = await take(planted, token=again)
    assert second.manual
    return second, again


async def test_what_was_delivered_stays_so_when_sending_it_again_fails(planted: Planted) -> None:
    second, token = await _delivered_and_sent_again(planted)
    await write(planted, second, token, FAILED, DeliveryFate("failed"))
    row = await planted.delivery(second.id)
    assert (row.state, row.settled_at is None) == ("delivered", False)
    assert [one.outcome for one in await planted.attempts(second.id)] == ["delivered", "status"]


async def test_what_was_delivered_stays_so_when_its_endpoint_is_gone(planted: Planted) -> None:
    second, token = await _delivered_and_sent_again(planted)
    (waiting,) = await planted.deliveries(second.endpoint_id)
    await write(planted, second, token, GONE, AGAIN)
    assert (await planted.endpoint_row(second.endpoint_id)).state == "disabled"
    assert (await planted.delivery(second.id)).state == "delivered"
    assert (await planted.delivery(waiting)).state == "cancelled"

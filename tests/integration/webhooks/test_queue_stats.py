"""What operators are told: queues, how it went lately, and what nobody attends to."""

from datetime import timedelta
from typing import Any

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.webhooks.dispatch import Limits, claim
from services.core.webhooks.queue_stats import longest_unattended, queue_stats, recent_outcomes
from services.core.webhooks.schedule import DeliveryFate
from services.core.webhooks.sending import Outcome
from services.core.webhooks.settling import Result, settle
from tests.integration.webhooks.claims import URL, take
from tests.support.planted import CITY, Planted


def ago(**step: float) -> dict[str, Any]:
    return {"next_attempt_at": Clock.true_now() - timedelta(**step)}


async def unattended(planted: Planted) -> float | None:
    async with planted.database.sessions() as session:
        return await longest_unattended(session)


async def test_queues_are_told_by_endpoint(planted: Planted) -> None:
    busy = await planted.endpoint(URL, consecutive_failures=2)
    idle = await planted.endpoint(URL)
    closed = await planted.endpoint(URL, state="disabled", state_reason="manual")
    await planted.deliveries(busy, number=3, **ago(minutes=5))
    await planted.deliveries(busy, closed, **ago(seconds=-60))
    async with planted.database.sessions() as session:
        found = {one.endpoint_id: one for one in await queue_stats(session)}
    assert {one: found[one].state for one in found} == {
        busy: "active",
        idle: "active",
        closed: "disabled",
    }
    assert (found[busy].queued, found[busy].due, found[busy].consecutive_failures) == (4, 3, 2)
    assert 299 < found[busy].oldest_due_seconds < 400
    assert (found[idle].queued, found[idle].oldest_due_seconds) == (0, 0)


async def test_attempts_of_lately_are_told_with_their_success_and_times(planted: Planted) -> None:
    good, bad = await planted.endpoint(URL), await planted.endpoint(URL)
    await planted.deliveries(good, bad, number=10)
    token = new_id()
    async with planted.database.transaction() as session:
        limits = Limits(most=100, each=100, lease_seconds=45)
        claimed = await claim(session, CITY, token=token, busy={}, limits=limits)
        results = [
            Result(
                one,
                token,
                Outcome("delivered" if one.endpoint_id == good else "timeout", 100 * number),
                DeliveryFate("delivered" if one.endpoint_id == good else "failed"),
                None,
                {},
            )
            for number, one in enumerate(claimed)
        ]
        await settle(session, CITY, results, now=Clock().now())
    async with planted.database.sessions() as session:
        found = {
            one.endpoint_id: one
            for one in await recent_outcomes(session, CITY, true_now=Clock.true_now())
        }
        later = await recent_outcomes(session, CITY, true_now=Clock.true_now() + timedelta(hours=1))
    assert (found[good].attempts, found[good].delivered) == (10, 10)
    assert (found[bad].attempts, found[bad].delivered) == (10, 0)
    assert 0 < found[good].median_seconds < found[good].high_seconds < 2
    assert later == []


async def test_what_is_due_and_nobody_takes_is_unattended(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    assert await unattended(planted) is None
    await planted.deliveries(endpoint, **ago(minutes=2))
    seconds = await unattended(planted)
    assert seconds is not None
    assert 119 < seconds < 200
    await take(planted)
    assert await unattended(planted) is None, "somebody is sending it"


async def test_what_waits_for_good_reason_is_attended_to(planted: Planted) -> None:
    now = Clock.true_now()
    endpoints = [
        await planted.endpoint(URL, paused_until=now + timedelta(hours=1)),
        await planted.endpoint(URL, state="disabled", state_reason="gone"),
        await planted.endpoint(URL, rate_per_minute=1, tokens_at=now),
        await planted.endpoint(URL, format="wecom", tokens_at=now),
    ]
    await planted.deliveries(*endpoints, **ago(minutes=30))
    worked_off = await planted.endpoint(URL)
    await planted.deliveries(worked_off, number=20, **ago(minutes=30))
    assert len(await take(planted, each=1)) == 1
    assert await unattended(planted) is None
    await planted.rows("UPDATE webhook_endpoint SET tokens_at = now() - interval '5 minutes'")
    assert await unattended(planted) is not None, "a rate explains no wait this long"

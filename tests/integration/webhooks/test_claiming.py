"""Deliveries handed out: under a lease, once, fairly, and at each endpoint's rate."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.webhooks.dispatch import (
    Claimed,
    Limits,
    claim,
    clock_skew,
    targets,
)
from services.core.webhooks.health import FAILING_AFTER
from services.core.webhooks.messages import open_target
from services.core.webhooks.rules import DIGEST_MOST
from tests.integration.webhooks.claims import URL, take
from tests.support.city_scope import context_of_its_own
from tests.support.planted import CITY, SEAL, SECRET, Planted

LATER = timedelta(hours=1)


def shares(claimed: list[Claimed]) -> Counter[UUID]:
    return Counter(one.endpoint_id for one in claimed)


async def test_a_claim_takes_what_is_due_and_begins_an_attempt(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    (due,) = await planted.deliveries(endpoint)
    await planted.deliveries(endpoint, next_attempt_at=Clock.true_now() + LATER)
    await planted.deliveries(endpoint, state="cancelled")
    token = new_id()
    (claimed,) = await take(planted, token=token)
    assert (claimed.id, claimed.number, claimed.tries) == (due, 1, 1)
    assert claimed.event_id == planted.events[due]
    assert claimed.body.startswith(b'{"type":"submission.approved"')
    row = await planted.delivery(due)
    assert (row.state, row.attempts, row.lease_token) == ("pending", 1, token)
    assert row.lease_until is not None
    (attempt,) = await planted.attempts(due)
    assert (attempt.outcome, attempt.lease_until) == (None, row.lease_until)
    assert await take(planted) == [], "it is leased"


async def test_many_who_claim_at_once_share_and_nobody_gets_the_same(planted: Planted) -> None:
    endpoints = [await planted.endpoint(URL) for _ in range(4)]
    wanted = await planted.deliveries(*endpoints, number=25)
    rounds = await asyncio.gather(*(take(planted, most=30, each=30) for _ in range(8)))
    while more := await take(planted):
        rounds.append(more)
    taken = [one.id for each in rounds for one in each]
    assert len(taken) == len(set(taken)) == len(wanted)


async def _beside(planted: Planted, *, held: int) -> list[Claimed]:
    """Return what is claimed while another's claim, of `held` deliveries, is not committed."""
    limits = Limits(most=200, each=200, lease_seconds=45)
    async with planted.database.transaction() as session:
        first = await claim(session, CITY, token=new_id(), busy={}, limits=limits)
        assert len(first) == held
        # Another worker, which knows nothing of the connection held here. Were it to wait for the
        # other's lock, it would wait for ever.
        other = asyncio.create_task(take(planted, most=200, each=200), context=context_of_its_own())
        return await asyncio.wait_for(other, 30)


async def test_what_another_is_just_claiming_is_passed_over(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    await planted.deliveries(endpoint, number=5)
    assert await _beside(planted, held=5) == []


async def test_an_endpoint_whose_rate_another_is_just_spending_is_passed_over(
    planted: Planted,
) -> None:
    endpoint = await planted.endpoint(URL, rate_per_minute=60)
    await planted.deliveries(endpoint, number=100)
    assert await _beside(planted, held=10) == []


async def test_what_a_lost_worker_had_is_due_again_and_spent_no_attempt(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    (delivery,) = await planted.deliveries(endpoint)
    await take(planted, lease=0)
    (again,) = await take(planted)
    assert (again.id, again.number, again.tries) == (delivery, 2, 1)
    first, second = await planted.attempts(delivery)
    assert (first.outcome, second.outcome) == (None, None)


async def test_endpoints_share_what_is_claimed(planted: Planted) -> None:
    long_queue = await planted.endpoint(URL)
    await planted.deliveries(long_queue, number=100)
    others = [await planted.endpoint(URL) for _ in range(4)]
    await planted.deliveries(*others, number=3)
    shared = shares(await take(planted, most=10))
    assert shared == dict.fromkeys((long_queue, *others), 2)
    alone = await planted.endpoint(URL)
    await planted.deliveries(alone, number=100)
    assert shares(await take(planted, most=100))[alone] == 8, "and none has more at once"


async def test_none_is_given_more_than_it_may_have_under_way(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL)
    await planted.deliveries(endpoint, number=20)
    busy = {(CITY, endpoint): 6}
    assert len(await take(planted, busy=busy)) == 2
    assert await take(planted, busy={(CITY, endpoint): 8}) == []


async def test_a_failing_endpoint_gets_one_message_at_a_time(planted: Planted) -> None:
    failing = await planted.endpoint(URL, consecutive_failures=FAILING_AFTER, state="failing")
    await planted.deliveries(failing, number=20)
    assert len(await take(planted)) == 1
    assert await take(planted, busy={(CITY, failing): 1}) == []


async def test_nothing_goes_to_an_endpoint_that_is_closed_or_wants_to_be_left_alone(
    planted: Planted,
) -> None:
    now = Clock.true_now()
    closed = await planted.endpoint(URL, state="disabled", state_reason="manual")
    paused = await planted.endpoint(URL, paused_until=now + LATER)
    rested = await planted.endpoint(URL, paused_until=now - LATER)
    await planted.deliveries(closed, paused, rested)
    assert shares(await take(planted)) == {rested: 1}


async def test_nothing_more_goes_out_for_a_key_that_is_good_no_more(planted: Planted) -> None:
    """At once, and not only when the endpoint is disabled, which follows with the date."""
    now = Clock.true_now()
    good = await planted.endpoint(URL, key={"expires_at": now + LATER})
    revoked = await planted.endpoint(URL, key={"revoked_at": now})
    expired = await planted.endpoint(URL, key={"expires_at": now - LATER})
    unknown = await planted.endpoint(URL, owner_credential_id=new_id())
    await planted.deliveries(good, revoked, expired, unknown)
    assert shares(await take(planted)) == {good: 1}
    assert await take(planted) == []


async def test_the_oldest_wait_is_served_first(planted: Planted) -> None:
    endpoints = [await planted.endpoint(URL) for _ in range(5)]
    now = Clock.true_now()
    for minutes, endpoint in enumerate(endpoints):
        await planted.deliveries(endpoint, next_attempt_at=now - timedelta(minutes=minutes))
    assert [one.endpoint_id for one in await take(planted, most=5)] == endpoints[::-1]


@pytest.mark.parametrize(("rate", "at_once"), [(1, 1), (6, 1), (60, 10), (600, 100)])
async def test_a_rate_lets_a_sixth_of_a_minute_through_at_once(
    planted: Planted, rate: int, at_once: int
) -> None:
    endpoint = await planted.endpoint(URL, rate_per_minute=rate)
    (first, *rest) = await planted.deliveries(endpoint, number=120)
    assert len(await take(planted, most=200, each=200)) == at_once
    assert await take(planted, most=200, each=200, passed=0) == []
    assert (await planted.delivery(rest[-1])).attempts == 0, "a refusal spends no attempt"
    assert (await planted.delivery(first)).attempts == 1


async def test_no_minute_has_more_than_the_rate(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL, rate_per_minute=60)
    await planted.deliveries(endpoint, number=200)
    sent: list[int] = []
    passed: int | None = None
    for second in range(180):
        taken = await take(planted, most=200, each=200, passed=passed)
        sent += [second] * len(taken)
        passed = 1 if taken else (passed or 0) + 1
    most = max(sum(start <= at < start + 60 for at in sent) for start in range(120))
    assert 50 <= most <= 60
    assert len(sent) >= 150


async def test_two_who_claim_at_once_spend_no_more_than_the_rate(planted: Planted) -> None:
    endpoint = await planted.endpoint(URL, rate_per_minute=60)
    await planted.deliveries(endpoint, number=100)
    begun = Clock.true_now()
    rounds = await asyncio.gather(*(take(planted, most=200, each=200) for _ in range(8)))
    refilled = (Clock.true_now() - begun).total_seconds() * 60 / 72
    assert 10 <= sum(map(len, rounds)) <= 10 + refilled


async def test_a_robot_hears_a_few_singly_and_many_in_one_message(planted: Planted) -> None:
    robot = await planted.endpoint(URL, format="dingtalk")
    await planted.deliveries(robot, number=3)
    for passed in (None, 0, 0):
        assert len(await take(planted, passed=passed)) == 1
    await planted.deliveries(robot, number=70)
    assert await take(planted, passed=0) == [], "its tokens are spent"
    assert len(await take(planted, passed=4)) == DIGEST_MOST
    assert await take(planted, busy={(CITY, robot): 1}) == []


async def test_a_robot_never_gets_more_than_eighteen_messages_a_minute(planted: Planted) -> None:
    robot = await planted.endpoint(URL, format="wecom", rate_per_minute=1000)
    sent: list[int] = []
    passed: int | None = None
    for second in range(120):
        await planted.deliveries(robot)
        taken = await take(planted, passed=passed)
        sent += [second] * bool(taken)
        passed = 1 if taken else (passed or 0) + 1
    assert max(sum(start <= at < start + 60 for at in sent) for start in range(60)) <= 18


async def test_an_endpoint_is_opened_with_its_live_secrets_the_newest_first(
    planted: Planted,
) -> None:
    headers = {"X-Token": "abc"}
    endpoint = await planted.endpoint(URL, headers=headers, secrets=(b"old" * 8, SECRET))
    await planted.rows("UPDATE webhook_secret SET expires_at = now() + interval '1 hour'")
    await planted.rows(
        "UPDATE webhook_secret SET expires_at = NULL WHERE id = (SELECT max(id::text)::uuid"
        " FROM webhook_secret)"
    )
    async with planted.database.sessions() as session:
        (row,) = await targets(session, CITY, [endpoint])
    target = open_target(row, SEAL)
    assert (target.url, target.headers) == (URL, headers)
    assert target.secrets == [("v1", SECRET), ("v1", b"old" * 8)]
    assert "abc" not in repr(target)
    assert str(SECRET) not in repr(target)
    await planted.rows("UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL")
    async with planted.database.sessions() as session:
        (row,) = await targets(session, CITY, [endpoint])
    assert open_target(row, SEAL).secrets == [("v1", SECRET)]


async def test_the_clock_is_compared_with_the_databases(planted: Planted) -> None:
    async with planted.database.sessions() as session:
        assert abs(await clock_skew(session, Clock.true_now())) < 60
        hour = await clock_skew(session, Clock.true_now() + timedelta(hours=1))
    assert 3500 < hour < 3700

"""The loop that delivers, against receivers that do as they like."""

import asyncio
import itertools
import time
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.core.kit.clock import Clock
from services.core.webhooks.addresses import AddressPolicy
from services.core.webhooks.signing import SigningKey
from services.worker import delivering as delivering_module
from tests.support.planted import SECRET, Planted
from tests.support.receiver import (
    a_receiver,
    answer,
    drip_body,
    drip_headers,
    hang,
    in_turn,
)
from tests.worker.running import until
from tests.worker.sending import Names, delivering, has

pytestmark = pytest.mark.citus

QUICK = (0, 0.1, 0.2, 0.4, 0.8)


async def due_now(planted: Planted) -> None:
    """Let every pause be over."""
    await planted.rows(
        "UPDATE webhook_delivery SET next_attempt_at = now() WHERE state = 'pending'"
    )
    await planted.rows("UPDATE webhook_endpoint SET paused_until = NULL")


async def test_what_is_due_arrives_signed_and_is_settled(planted: Planted) -> None:
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url(), headers={"X-Token": "abc"})
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted):
            await until(has(planted, delivered=1))
    (heard,) = receiver.heard
    assert heard.id == str(planted.events[delivery])
    assert abs(int(heard.headers["webhook-timestamp"]) - time.time()) < 60
    assert Webhook(SigningKey("v1", SECRET).text).verify(heard.body, dict(heard.headers))
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["accept-encoding"] == "identity"
    assert heard.headers["x-token"] == "abc"
    (attempt,) = await planted.attempts(delivery)
    assert (attempt.outcome, attempt.status_code) == ("delivered", 200)
    shown: Any = attempt.request_head
    assert shown["headers"]["webhook-id"] == heard.id
    assert shown["headers"]["X-Token"] == "***"


async def test_while_a_secret_is_rotated_both_sign_and_each_receiver_verifies(
    planted: Planted,
) -> None:
    old, new = b"the old secret, 24 bytes.", b"the new secret, 24 bytes."
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url(), secrets=(old, new))
        await planted.rows(
            "UPDATE webhook_secret SET expires_at = now() + interval '1 hour'"
            " WHERE id = (SELECT min(id::text)::uuid FROM webhook_secret)"
        )
        async with delivering(planted) as deliverer:
            await planted.deliveries(endpoint)
            deliverer.wake()
            await receiver.hears(1)
            await planted.rows(
                "UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
            )
            await planted.deliveries(endpoint)
            deliverer.wake()
            await receiver.hears(2)
    during, after = receiver.heard
    for secret in (old, new):
        Webhook(SigningKey("v1", secret).text).verify(during.body, dict(during.headers))
    signatures = during.headers["webhook-signature"].split(" ")
    assert len(signatures) == 2
    assert len(after.headers["webhook-signature"].split(" ")) == 1
    Webhook(SigningKey("v1", new).text).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SigningKey("v1", old).text).verify(after.body, dict(after.headers))


async def test_it_is_woken_and_does_not_wait_for_its_timer(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering_module, "_LOOK_EVERY_SECONDS", 3600)
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url())
        async with delivering(planted) as deliverer:
            for number in range(1, 6):
                await planted.deliveries(endpoint)
                deliverer.wake()
                await receiver.hears(number)
                await until(has(planted, delivered=number))


async def test_down_then_up_it_keeps_its_id_and_signs_each_attempt_anew(planted: Planted) -> None:
    behaviour = in_turn(answer(500), answer(503), answer(404), answer(200))
    async with a_receiver(behaviour) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted, schedule=(0, 1, 1, 1, 1)):
            await until(has(planted, delivered=1))
    heard = receiver.heard
    assert len(heard) == 4
    assert {each.id for each in heard} == {str(planted.events[delivery])}
    assert len({each.headers["webhook-timestamp"] for each in heard}) >= 3
    assert len({each.headers["webhook-signature"] for each in heard}) >= 3
    for one, following in itertools.pairwise(heard):
        assert following.at - one.at >= 0.8
    attempts = await planted.attempts(delivery)
    assert [each.status_code for each in attempts] == [500, 503, 404, 200]
    assert (await planted.endpoint_row(endpoint)).state == "active", "a success made it well"


async def test_a_receiver_that_is_away_is_tried_by_the_schedule(planted: Planted) -> None:
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url())
        await receiver.stop()
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted, schedule=(0, 0.3, 0.3, 0.3, 60)):

            async def tried() -> bool:
                return [one.outcome for one in await planted.attempts(delivery)] == ["connect"] * 4

            await until(tried)
            await receiver.start()
            await due_now(planted)
            await receiver.hears(1)
            await until(has(planted, delivered=1))
    outcomes = [each.outcome for each in await planted.attempts(delivery)]
    assert outcomes == ["connect"] * 4 + ["delivered"]


async def test_an_exhausted_schedule_is_a_failed_delivery(planted: Planted) -> None:
    async with a_receiver(answer(500)) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted, schedule=(0, 0.05, 0.05)):
            await until(has(planted, failed=1))
    assert len(receiver.heard) == 3
    assert len(await planted.attempts(delivery)) == 3


async def test_what_a_person_asked_for_is_tried_once(planted: Planted) -> None:
    async with a_receiver(answer(500)) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        await planted.deliveries(endpoint, manual=True)
        async with delivering(planted):
            await until(has(planted, failed=1))
        assert len(receiver.heard) == 1


async def test_gone_closes_the_endpoint_at_once(planted: Planted) -> None:
    async with a_receiver(answer(410)) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        later = Clock.true_now() + timedelta(seconds=60)
        await planted.deliveries(endpoint)
        await planted.deliveries(endpoint, number=5, next_attempt_at=later)
        async with delivering(planted):
            await until(has(planted, cancelled=6))
            await due_now(planted)
            await asyncio.sleep(1.2)
        assert len(receiver.heard) == 1
    assert (await planted.endpoint_row(endpoint)).state_reason == "gone"
    assert len(await planted.happened("webhook.disabled")) == 1


@pytest.mark.parametrize(("status", "said"), [(429, "30"), (503, "30")])
async def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(
    planted: Planted, status: int, said: str
) -> None:
    async with a_receiver(in_turn(answer(status, Retry_After=said), answer())) as receiver:
        endpoint = await planted.endpoint(receiver.url(), consecutive_failures=5, state="failing")
        first, *_ = await planted.deliveries(endpoint, number=4)
        async with delivering(planted, schedule=QUICK):
            await receiver.hears(1)

            async def paused() -> bool:
                return (await planted.endpoint_row(endpoint)).paused_until is not None

            await until(paused)
            await asyncio.sleep(1.2)
            assert len(receiver.heard) == 1
            row = await planted.endpoint_row(endpoint)
            assert row.paused_until is not None
            assert timedelta(0) < row.paused_until - Clock.true_now() <= timedelta(seconds=30)
            waits = (await planted.delivery(first)).next_attempt_at - Clock.true_now()
            assert waits > timedelta(seconds=20)
            await due_now(planted)
            await until(has(planted, delivered=4))


async def test_a_name_that_moves_inside_is_a_blocked_address_every_time(planted: Planted) -> None:
    names = Names({"receiver.test": ["127.0.0.1"]})
    public = AddressPolicy(allow_networks=(ip_network("10.20.0.0/16"),))
    async with a_receiver() as canary:
        endpoint = await planted.endpoint(canary.url(host="receiver.test"))
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted, names=names, policy=public, schedule=(0, 0.05, 0.05, 0.05)):
            await until(has(planted, failed=1))
        assert canary.connections == 0
    outcomes = {each.outcome for each in await planted.attempts(delivery)}
    assert outcomes == {"blocked_address"}


@pytest.mark.parametrize("behaviour", [hang, drip_headers, drip_body])
async def test_slow_receivers_do_not_slow_a_good_one(planted: Planted, behaviour: Any) -> None:
    """Ten of them, with more waiting than may be under way, beside one that answers at once.

    No attempt at a slow one ends while the good one is sent to: whatever waited for one of them
    would not arrive.
    """
    async with a_receiver(behaviour) as slow, a_receiver() as good:
        dead = [await planted.endpoint(slow.url(f"/{number}")) for number in range(10)]
        alive = await planted.endpoint(good.url())
        async with delivering(planted, seconds=600) as deliverer:
            await planted.deliveries(*dead, number=30)
            deliverer.wake()
            await slow.hears(50)
            for number in range(1, 16):
                await planted.deliveries(alive)
                deliverer.wake()
                await good.hears(number)
            ended = await planted.rows(
                "SELECT FROM webhook_attempt WHERE outcome NOT IN ('delivered')"
            )
            assert ended == []


async def test_a_receiver_that_never_answers_is_a_timeout_at_the_deadline(
    planted: Planted,
) -> None:
    async with a_receiver(hang) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        (delivery,) = await planted.deliveries(endpoint)
        async with delivering(planted, seconds=0.3, schedule=(0,)):
            await until(has(planted, failed=1))
    (attempt,) = await planted.attempts(delivery)
    assert attempt.outcome == "timeout"
    assert attempt.duration_ms is not None
    assert attempt.duration_ms >= 300


async def test_an_endpoint_sealed_with_another_key_holds_up_no_other(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_receiver() as receiver:
        good = await planted.endpoint(receiver.url())
        bad = await planted.endpoint(receiver.url(), url_sealed=b"x" * 60)
        (_, lost) = await planted.deliveries(good, bad)
        async with delivering(planted):
            await until(has(planted, delivered=1, pending=1))

            async def tried() -> bool:
                return any(each.outcome for each in await planted.attempts(lost))

            await until(tried)
    (attempt,) = await planted.attempts(lost)
    assert attempt.outcome == "fault"
    assert (await planted.delivery(lost)).attempts_before == 1
    assert "endpoint secret unreadable" in caplog.messages


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), timedelta(seconds=-301)])
async def test_a_clock_that_nobody_would_believe_signs_nothing(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wrong_by: timedelta,
) -> None:
    true_now = Clock.true_now
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url())
        await planted.deliveries(endpoint)
        with monkeypatch.context() as patched:
            patched.setattr(Clock, "true_now", staticmethod(lambda: true_now() + wrong_by))
            async with delivering(planted):

                async def said() -> bool:
                    return any(
                        "clock_skew" in str(vars(each).get("cause")) for each in caplog.records
                    )

                await until(said)
        assert receiver.heard == []
        async with delivering(planted):
            await until(has(planted, delivered=1))


async def test_a_clock_that_receivers_believe_signs(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_now, behind = Clock.true_now, timedelta(seconds=280)
    async with a_receiver() as receiver:
        endpoint = await planted.endpoint(receiver.url())
        await planted.deliveries(endpoint)
        monkeypatch.setattr(Clock, "true_now", staticmethod(lambda: true_now() - behind))
        async with delivering(planted):
            await receiver.hears(1)


@pytest.mark.citus(but="a session's first write to a node may last longer than an end waits")
async def test_told_to_stop_it_finishes_or_gives_back_what_is_under_way(planted: Planted) -> None:
    async with a_receiver(hang) as slow, a_receiver(answer(delay=0.2)) as soon:
        hanging = await planted.endpoint(slow.url())
        quick = await planted.endpoint(soon.url())
        (given_back, finished) = await planted.deliveries(hanging, quick)
        async with delivering(planted):
            await slow.hears(1)
            await soon.hears(1)
        assert (await planted.delivery(finished)).state == "delivered"
        row = await planted.delivery(given_back)
        assert (row.state, row.lease_token, row.attempts_before) == ("pending", None, 1)
        (attempt,) = await planted.attempts(given_back)
        assert attempt.outcome == "interrupted"
        slow.behaviour = answer()
        async with delivering(planted):
            await until(has(planted, delivered=2))


@pytest.mark.citus(but="a session's first write to a node may last longer than an end waits")
async def test_stopped_ten_times_during_a_backlog_everything_arrives(planted: Planted) -> None:
    async with a_receiver(answer(delay=0.02)) as receiver:
        endpoints = [await planted.endpoint(receiver.url(f"/{number}")) for number in range(5)]
        wanted = await planted.deliveries(*endpoints, number=100)
        for turn in range(1, 11):
            async with delivering(planted, schedule=QUICK):
                await receiver.hears(30 * turn, 30)
        async with delivering(planted, schedule=QUICK):
            await until(has(planted, delivered=len(wanted)))
    assert {str(planted.events[each]) for each in wanted} == set(receiver.ids)
    assert await planted.rows("SELECT FROM webhook_attempt WHERE outcome IS NULL") == []


async def test_a_backlog_goes_out_whole_through_two_at_once(planted: Planted) -> None:
    async with a_receiver() as receiver:
        endpoints = [await planted.endpoint(receiver.url(f"/{number}")) for number in range(10)]
        wanted = await planted.deliveries(*endpoints, number=40)
        async with delivering(planted), delivering(planted):
            await until(has(planted, delivered=len(wanted)))
    assert len(receiver.heard) == len(wanted), "none of them twice"
    assert await planted.rows("SELECT FROM webhook_attempt WHERE outcome IS NULL") == []

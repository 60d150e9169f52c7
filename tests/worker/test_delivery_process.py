"""Workers as they really run: killed, stopped and frozen while they deliver."""

import asyncio
from datetime import timedelta
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any
from uuid import UUID

from services.core.kit.clock import Clock
from tests.support.planted import KEY, Planted
from tests.support.receiver import Heard, Receiver, a_receiver, answer, hang, in_turn
from tests.worker.running import a_worker, until
from tests.worker.sending import has

TIMEOUT = 1.0
LEASE = 3 * TIMEOUT
SENDING = {
    "WUFEI_SECRET_KEY": KEY,
    "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
    "WUFEI_WEBHOOK_TIMEOUT": f"{TIMEOUT}",
    "WUFEI_WEBHOOK_SCHEDULE": "0,0.2,0.2,0.5,1,1,1,1,1,1",
}


async def plant(
    planted: Planted, receiver: Receiver, number: int = 1, **columns: Any
) -> list[UUID]:
    endpoint = await planted.endpoint(receiver.url(), **columns)
    return await planted.deliveries(endpoint, number=number)


async def test_a_killed_worker_leaves_its_attempt_visible_and_another_sends_again(
    planted: Planted,
) -> None:
    async with a_receiver(in_turn(hang, answer())) as receiver:
        (delivery,) = await plant(planted, receiver)
        async with a_worker(planted.database.dsn, settings=SENDING) as first:
            await receiver.hears(1)
            first.process.send_signal(SIGKILL)
            await first.ended()
        async with a_worker(planted.database.dsn, settings=SENDING):
            await until(has(planted, delivered=1))
    assert len(receiver.heard) == 2
    assert len(set(receiver.ids)) == 1
    lost, done = await planted.attempts(delivery)
    assert (lost.outcome, done.outcome) == (None, "delivered")
    assert lost.lease_until < Clock.true_now(), "which shows as unknown"
    assert done.started_at >= lost.lease_until, "nobody takes what another may still be sending"
    assert (await planted.delivery(delivery)).attempts_before == 1, "it spent no attempt"


async def test_again_and_again_killed_with_many_under_way_nothing_is_lost(
    planted: Planted,
) -> None:
    """Each worker is killed in the midst of it, the last one is not."""
    async with a_receiver(answer(delay=0.05)) as receiver:
        endpoints = [await planted.endpoint(receiver.url(f"/{number}")) for number in range(5)]
        wanted = await planted.deliveries(*endpoints, number=40)
        for turn in range(1, 4):
            async with a_worker(planted.database.dsn, settings=SENDING) as worker:
                await receiver.hears(25 * turn)
                worker.process.send_signal(SIGKILL)
                await worker.ended()
        async with a_worker(planted.database.dsn, settings=SENDING):
            await until(has(planted, delivered=len(wanted)))
    assert set(receiver.ids) == {str(planted.events[each]) for each in wanted}
    (row,) = await planted.rows("SELECT count(*) FROM webhook_attempt WHERE outcome IS NULL")
    assert row[0] > 0, "what was interrupted is there to be seen"


async def test_a_signal_ends_it_soon_and_well_in_the_midst_of_a_backlog(planted: Planted) -> None:
    async with a_receiver(answer(delay=0.1)) as receiver:
        wanted = await plant(planted, receiver, 100)
        async with a_worker(planted.database.dsn, settings=SENDING) as worker:
            await receiver.hears(20)
            worker.process.send_signal(SIGTERM)
            assert await worker.ended() == 0
        assert await planted.rows("SELECT FROM webhook_attempt WHERE outcome IS NULL") == []
        async with a_worker(planted.database.dsn, settings=SENDING):
            await until(has(planted, delivered=len(wanted)))
    assert set(receiver.ids) == {str(planted.events[each]) for each in wanted}


async def test_a_frozen_worker_wakes_to_find_itself_superseded(planted: Planted) -> None:
    gate = asyncio.Event()

    async def when_told(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer()(heard, writer)

    async with a_receiver(in_turn(when_told, answer())) as receiver:
        (delivery,) = await plant(planted, receiver)
        async with a_worker(planted.database.dsn, settings=SENDING) as stale:
            await receiver.hears(1)
            stale.process.send_signal(SIGSTOP)
            async with a_worker(planted.database.dsn, settings=SENDING):
                await until(has(planted, delivered=1), LEASE + 15)
            gate.set()
            stale.process.send_signal(SIGCONT)

            async def noted() -> bool:
                return (await planted.attempts(delivery))[0].outcome is not None

            await until(noted)
        first, second = await planted.attempts(delivery)
        assert (first.outcome, second.outcome) == ("superseded", "delivered")
        assert (await planted.delivery(delivery)).state == "delivered"
        assert len(receiver.heard) == 2


async def test_it_delivers_where_no_redis_is_and_says_that_loopback_is_allowed(
    planted: Planted,
) -> None:
    async with a_receiver() as receiver:
        await plant(planted, receiver, 20)
        async with a_worker(planted.database.dsn, settings=SENDING) as worker:
            await until(has(planted, delivered=20))
            assert worker.said("webhook loopback allowed") == 1


async def test_without_the_switch_no_loopback_receiver_is_ever_connected_to(
    planted: Planted,
) -> None:
    closed = {**SENDING, "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "0", "WUFEI_WEBHOOK_SCHEDULE": "0"}
    async with a_receiver() as canary:
        await plant(planted, canary)
        await planted.deliveries(await planted.endpoint(canary.url(host="localhost")))
        async with a_worker(planted.database.dsn, settings=closed):
            await until(has(planted, failed=2))
        assert canary.connections == 0


async def test_without_a_key_nothing_is_sent_and_nothing_else_suffers(planted: Planted) -> None:
    async with a_receiver() as receiver:
        await plant(planted, receiver)
        async with a_worker(planted.database.dsn) as worker:
            await worker.heard_saying("webhook sending off")
            await asyncio.sleep(1.2)
            assert worker.process.returncode is None
        assert receiver.heard == []
        assert await planted.states() == {"pending": 1}


async def test_its_own_servers_are_never_called_though_loopback_is_allowed(
    planted: Planted,
) -> None:
    port = int(planted.database.dsn.rsplit(":", 1)[1].split("/")[0])
    endpoint = await planted.endpoint(f"http://127.0.0.1:{port}/")
    (delivery,) = await planted.deliveries(endpoint)
    once = {**SENDING, "WUFEI_WEBHOOK_SCHEDULE": "0"}
    async with a_worker(planted.database.dsn, settings=once):
        await until(has(planted, failed=1))
    (attempt,) = await planted.attempts(delivery)
    assert attempt.outcome == "blocked_address"
    assert attempt.response_head is not None
    assert "own-server" in attempt.response_head
    assert attempt.started_at > Clock.true_now() - timedelta(minutes=1)

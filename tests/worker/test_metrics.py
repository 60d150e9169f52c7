"""What a worker serves of what it did: as Prometheus wants it, and as it really was."""

import asyncio
import shutil
import subprocess

import httpx
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from services.console.ports import free_port
from services.worker.metrics_server import served_metrics
from services.worker.reactor import Reactor
from tests.integration.scoring.ledger import Ledger
from tests.support.owner import as_owner
from tests.support.planted import KEY, Planted
from tests.support.receiver import a_receiver, answer, in_turn
from tests.unit.scoring.builders import a_document
from tests.worker.events import poison
from tests.worker.running import a_worker, until
from tests.worker.sending import delivering, has

SENDING = {
    "WUFEI_SECRET_KEY": KEY,
    "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
    "WUFEI_WEBHOOK_SCHEDULE": "0,0.1,0.1",
}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def told(port: int) -> str:
    async with httpx.AsyncClient() as client:
        answered = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert answered.status_code == 200
    return answered.text


async def _is_served(port: int) -> bool:
    try:
        return bool(await told(port))
    except httpx.ConnectError:
        return False


def _series(text: str) -> set[str]:
    return {line.rsplit(" ", 1)[0] for line in text.splitlines() if line.startswith("wufei_")}


async def test_a_worker_process_serves_what_it_did_and_promtool_finds_no_fault(
    planted: Planted,
) -> None:
    port = free_port()
    settings = SENDING | {"WUFEI_WORKER_METRICS": f"127.0.0.1:{port}"}
    async with a_receiver(in_turn(answer(500), answer())) as receiver:
        endpoint = await planted.endpoint(receiver.url())
        async with a_worker(planted.database.dsn, settings=settings) as worker:
            await until(lambda: _is_served(port))
            before = await told(port)
            await planted.deliveries(endpoint)
            await until(has(planted, delivered=1))
            text = await told(port)
            assert await worker.stop() == 0
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["wufei_webhook_attempts_total", "status"] == 1
    assert samples["wufei_webhook_attempts_total", "delivered"] == 1
    assert samples["wufei_webhook_attempts_total", "timeout"] == 0, "it is there from the start"
    assert samples["wufei_webhook_retries_total",] == 1
    assert samples["wufei_webhook_deliveries_total", "delivered"] == 1
    assert samples["wufei_commit_to_first_byte_seconds_count",] == 1, "of the first attempt alone"
    assert samples["wufei_database_connections_limit", "sessions"] == 5
    assert samples["wufei_database_connections_waiting", "sessions"] == 0
    assert samples["process_resident_memory_bytes",] > 10e6
    assert _series(text) == _series(before), "every series is there from the start: none grows"
    if promtool := shutil.which("promtool"):
        judged = subprocess.run(  # noqa: ASYNC221 (it reads a few lines)
            [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
        )
        assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


async def test_a_second_worker_at_the_same_address_works_without_metrics(planted: Planted) -> None:
    with served_metrics(f"127.0.0.1:{(port := free_port())}"):
        settings = {"WUFEI_WORKER_METRICS": f"127.0.0.1:{port}"}
        async with a_worker(planted.database.dsn, settings=settings) as worker:
            await worker.heard_saying("metrics not served")


async def test_a_change_of_a_value_is_timed_to_its_board(ledger: Ledger) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    before = value("wufei_commit_to_board_seconds_count")
    followed = value("wufei_followed_events_total", reader="scoring")
    await ledger.report(90)
    await asyncio.sleep(0.01)
    waited = value("wufei_commit_to_board_seconds_sum")
    await reactor.react()
    assert value("wufei_commit_to_board_seconds_count") == before + 1
    assert value("wufei_commit_to_board_seconds_sum") - waited >= 0.01
    assert value("wufei_followed_events_total", reader="scoring") > followed
    assert value("wufei_follow_seconds_count", reader="scoring") >= 1


async def test_a_delivery_is_timed_to_its_first_byte_and_a_retry_is_not(planted: Planted) -> None:
    before = value("wufei_commit_to_first_byte_seconds_count")
    async with a_receiver(in_turn(answer(503), answer(delay=0.2))) as receiver:
        await planted.deliveries(await planted.endpoint(receiver.url()))
        summed = value("wufei_commit_to_first_byte_seconds_sum")
        async with delivering(planted, schedule=(0, 0.05, 0.05)):
            await until(has(planted, delivered=1))
    assert value("wufei_commit_to_first_byte_seconds_count") == before + 1
    assert value("wufei_commit_to_first_byte_seconds_sum") >= summed


async def test_what_never_left_is_timed_to_no_byte(planted: Planted) -> None:
    before = value("wufei_commit_to_first_byte_seconds_count")
    refused = value("wufei_webhook_attempts_total", outcome="connect")
    await planted.deliveries(await planted.endpoint(f"http://127.0.0.1:{free_port()}/"))
    async with delivering(planted, schedule=(0,)):
        await until(has(planted, failed=1))
    assert value("wufei_webhook_attempts_total", outcome="connect") == refused + 1
    assert value("wufei_commit_to_first_byte_seconds_count") == before


async def test_a_reader_that_cannot_go_on_is_counted_until_it_can(ledger: Ledger) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    failures = value("wufei_follow_failures_total", reader="scoring")
    await poison(ledger)
    await reactor.react()
    assert value("wufei_follow_failures_total", reader="scoring") > failures
    assert value("wufei_stuck_cities", reader="scoring") == 1
    opened = """UPDATE event SET data = '{"period": "2025"}' WHERE data = '{}'"""
    await as_owner(ledger.database.dsn, opened)

    async def recovered() -> bool:
        await reactor.react()
        return value("wufei_stuck_cities", reader="scoring") == 0

    await until(recovered)

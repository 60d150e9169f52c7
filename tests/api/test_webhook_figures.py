"""What `/metrics` and `/readyz` say of webhooks, to anybody: ids of endpoints and no more."""

from datetime import timedelta

import httpx
import pytest

from services.api.webhooks import queue_metrics
from services.core.kit.clock import Clock
from tests.support.api import Door
from tests.support.planted import Planted


async def _get(door: Door, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(door.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test") as client:
        return await client.get(path)


async def test_metrics_tell_queues_by_endpoint_and_nothing_of_where_they_are(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_metrics, "KEPT_SECONDS", 0)
    planted = Planted(door.held.database)
    endpoint = await planted.endpoint("https://receiver.test/token-of-a-robot")
    await planted.deliveries(endpoint, number=3)
    told = (await _get(door, "/metrics")).text
    assert f'wufei_webhook_queued{{endpoint="{endpoint}"}} 3.0' in told
    assert f'wufei_webhook_consecutive_failures{{endpoint="{endpoint}"}} 0.0' in told
    assert "receiver.test" not in told
    await planted.rows("UPDATE webhook_endpoint SET state = 'disabled', state_reason = 'manual'")
    assert str(endpoint) not in (await _get(door, "/metrics")).text, "it is gone with it"


async def test_readiness_is_degraded_while_nobody_sends_what_is_due(door: Door) -> None:
    planted = Planted(door.held.database)
    endpoint = await planted.endpoint("https://receiver.test/")
    parts = (await _get(door, "/readyz")).json()["parts"]
    assert parts["deliveries"] == "ok"
    due = Clock.true_now() - timedelta(seconds=61)
    await planted.deliveries(endpoint, next_attempt_at=due)
    answer = await _get(door, "/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"]["deliveries"] == "degraded"
    assert answer.json()["status"] == "degraded"

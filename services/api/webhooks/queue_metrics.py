"""Updates the gauges of webhooks, at most every few seconds."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from services.api import metrics
from services.api.context import Resources
from services.core.webhooks.queue_stats import (
    QueueStats,
    RecentOutcomes,
    queue_stats,
    recent_outcomes,
)
from services.core.webhooks.rules import EndpointState

KEPT_SECONDS = 5.0
"""More frequent scrapes, which anybody may make, get the values of the last reading."""


class _Reading:
    """Reads the figures at most every few seconds, because the gauges are shared by the process."""

    def __init__(self) -> None:
        self._again_at = 0.0

    async def __call__(self, resources: Resources) -> None:
        """Update the gauges."""
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + KEPT_SECONDS
        async with resources.database.sessions() as session:
            standing = await queue_stats(session)
            shown = sorted(standing, key=_urgency, reverse=True)[: metrics.MOST_ENDPOINTS]
            now = resources.clock.true_now()
            recent = [
                one
                for city_code in sorted({one.city_code for one in shown})
                for one in await recent_outcomes(session, city_code, true_now=now)
            ]
        for gauge in metrics.OF_ENDPOINTS:
            gauge.clear()
        _show_all(standing)
        for one in shown:
            if one.state != "disabled":
                _show_standing(one)
        busiest = sorted(recent, key=lambda each: each.attempts, reverse=True)
        for each in busiest[: metrics.MOST_ENDPOINTS]:
            _show_lately(each)


read_webhook_figures = _Reading()


def _urgency(one: QueueStats) -> tuple[bool, float, int, int]:
    """Return the sort key that puts the endpoints first that need attention."""
    hears = one.state != "disabled"
    return hears, one.oldest_due_seconds, one.consecutive_failures, one.queued


def _show_all(standing: Sequence[QueueStats]) -> None:
    states = Counter(one.state for one in standing)
    for state in get_args(EndpointState):
        metrics.WEBHOOK_ENDPOINTS.labels(state).set(states[state])
    metrics.WEBHOOK_WAITING.set(sum(one.queued for one in standing))
    metrics.WEBHOOK_DUE.set(sum(one.due for one in standing))


def _show_standing(one: QueueStats) -> None:
    endpoint = str(one.endpoint_id)
    metrics.WEBHOOK_QUEUED.labels(endpoint).set(one.queued)
    metrics.WEBHOOK_OLDEST_DUE.labels(endpoint).set(one.oldest_due_seconds)
    metrics.WEBHOOK_CONSECUTIVE_FAILURES.labels(endpoint).set(one.consecutive_failures)


def _show_lately(one: RecentOutcomes) -> None:
    endpoint = str(one.endpoint_id)
    metrics.WEBHOOK_ATTEMPTS.labels(endpoint).set(one.attempts)
    metrics.WEBHOOK_SUCCESS_RATIO.labels(endpoint).set(one.delivered / one.attempts)
    metrics.WEBHOOK_ATTEMPT_MEDIAN.labels(endpoint).set(one.median_seconds)
    metrics.WEBHOOK_ATTEMPT_P95.labels(endpoint).set(one.high_seconds)

"""Brings the gauges of webhooks up to date, a few seconds apart at least."""

import time

from services.api import metrics
from services.api.context import Resources
from services.core.webhooks.queue_stats import (
    QueueStats,
    RecentOutcomes,
    queue_stats,
    recent_outcomes,
)

KEPT_SECONDS = 5.0
"""Whoever asks more often, and anybody may, gets what was read before."""


class _Reading:
    """Reads the figures, a few seconds apart at least: the gauges are the whole process's."""

    def __init__(self) -> None:
        self._again_at = 0.0

    async def __call__(self, held: Resources) -> None:
        """Bring the gauges up to date."""
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + KEPT_SECONDS
        async with held.database.sessions() as session:
            standing = await queue_stats(session)
            recent = await recent_outcomes(session, true_now=held.clock.true_now())
        for gauge in metrics.OF_ENDPOINTS:
            gauge.clear()
        for one in standing:
            _show_standing(one)
        for each in recent:
            _show_lately(each)


read_webhook_figures = _Reading()


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

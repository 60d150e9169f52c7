"""Gauges of webhooks, by endpoint: what waits, how it went lately, and how long it took."""

import time

from prometheus_client import Gauge

from services.api.context import Resources
from services.core.webhooks.queue_stats import (
    QueueStats,
    RecentOutcomes,
    queue_stats,
    recent_outcomes,
)

KEPT_SECONDS = 5.0
"""Whoever asks more often, and anybody may, gets what was read before."""

_queued = Gauge("wufei_webhook_queued", "Deliveries that wait, 10000 at most", ["endpoint"])
_oldest = Gauge(
    "wufei_webhook_oldest_due_seconds",
    "Since when the oldest waiting delivery is due; 0: none is",
    ["endpoint"],
)
_failures = Gauge(
    "wufei_webhook_consecutive_failures", "Failures without a success between", ["endpoint"]
)
_attempts = Gauge(
    "wufei_webhook_attempts_lately", "Attempts of the last ten minutes' events", ["endpoint"]
)
_success = Gauge(
    "wufei_webhook_success_ratio",
    "How many of those delivered, of 1; absent: none ended",
    ["endpoint"],
)
# Two gauges, for the label `quantile` is a summary's.
_median = Gauge(
    "wufei_webhook_attempt_median_seconds", "How long half of those took at most", ["endpoint"]
)
_high = Gauge(
    "wufei_webhook_attempt_p95_seconds", "How long 95 of 100 of those took at most", ["endpoint"]
)
_ALL = (_queued, _oldest, _failures, _attempts, _success, _median, _high)


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
        for gauge in _ALL:
            gauge.clear()
        for one in standing:
            _show_standing(one)
        for each in recent:
            _show_lately(each)


read_webhook_figures = _Reading()


def _show_standing(one: QueueStats) -> None:
    endpoint = str(one.endpoint_id)
    _queued.labels(endpoint).set(one.queued)
    _oldest.labels(endpoint).set(one.oldest_due_seconds)
    _failures.labels(endpoint).set(one.consecutive_failures)


def _show_lately(one: RecentOutcomes) -> None:
    endpoint = str(one.endpoint_id)
    _attempts.labels(endpoint).set(one.attempts)
    _success.labels(endpoint).set(one.delivered / one.attempts)
    _median.labels(endpoint).set(one.median_seconds)
    _high.labels(endpoint).set(one.high_seconds)

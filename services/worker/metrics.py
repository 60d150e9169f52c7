"""All metrics that a worker process exports, at the address in `WUFEI_WORKER_METRICS`.

Each process counts its own work. docs/operations.md explains each metric.
"""

from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from services.core.events.queries import NUMBERING
from services.core.followers import DATE_FOLLOWERS, READERS
from services.core.kit.process_metrics import SECONDS
from services.core.webhooks.sending import OutcomeKind

BY_DATE = "date/"
"""Label prefix of followers of the calendar, as opposed to readers of the log."""

FOLLOWED_EVENTS = Counter(
    "wufei_followed_events_total", "Positions of the log that a reader followed", ["reader"]
)
FOLLOW_SECONDS = Histogram(
    "wufei_follow_seconds",
    "How long a turn took in which a reader did something",
    ["reader"],
    buckets=SECONDS,
)
FOLLOW_FAILURES = Counter(
    "wufei_follow_failures_total", "Turns of a reader that failed", ["reader"]
)
STUCK_CITIES = Gauge(
    "wufei_stuck_cities", "Cities in which a reader failed and is tried again later", ["reader"]
)
COMMIT_TO_BOARD = Histogram(
    "wufei_commit_to_board_seconds",
    "From a change of a submission to the board that shows it",
    buckets=SECONDS,
)
COMMIT_TO_FIRST_BYTE = Histogram(
    "wufei_commit_to_first_byte_seconds",
    "From an event to the first byte of its first delivery to a receiver",
    buckets=SECONDS,
)
DUE_TO_TOLD = Histogram(
    "wufei_due_to_told_seconds",
    "From when a notice of a deadline was due to the notice",
    buckets=(*SECONDS, 21_600, 86_400),
)

WEBHOOK_ATTEMPTS = Counter(
    "wufei_webhook_attempts_total", "Attempts to deliver, by how they ended", ["outcome"]
)
WEBHOOK_RETRIES = Counter("wufei_webhook_retries_total", "Attempts after which another one follows")
WEBHOOK_DELIVERIES = Counter(
    "wufei_webhook_deliveries_total", "Deliveries that ended, by what became of them", ["state"]
)
WEBHOOK_ATTEMPT_SECONDS = Histogram(
    "wufei_webhook_attempt_seconds",
    "How long one attempt took, from the look-up of the name to the end of the answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
)
WEBHOOK_UNDER_WAY = Gauge("wufei_webhook_under_way", "Messages that are being sent now")

REPORTS = Counter(
    "wufei_reports_total",
    "Requests to superiors by kind (report, query) and by how they ended",
    ["kind", "outcome"],
)
REPORTED_ITEMS = Counter(
    "wufei_reported_items_total",
    "Items of requests to superiors, by what was answered: accepted, refused, unanswered",
    ["receipt"],
)

_STEPS = (NUMBERING, *READERS, *(BY_DATE + name for name in DATE_FOLLOWERS))


def _begin_at_nothing() -> None:
    """Create every time series at zero, so that the first increment is visible."""
    for name in _STEPS:
        for metric in (FOLLOWED_EVENTS, FOLLOW_SECONDS, FOLLOW_FAILURES, STUCK_CITIES):
            metric.labels(name)
    for outcome in get_args(OutcomeKind):
        WEBHOOK_ATTEMPTS.labels(outcome)
    # Most installations report to nobody: other outcomes of requests appear with their first.
    for kind in ("report", "query"):
        REPORTS.labels(kind, "delivered")
    for receipt in ("accepted", "refused", "unanswered"):
        REPORTED_ITEMS.labels(receipt)
    for state in ("delivered", "failed"):
        WEBHOOK_DELIVERIES.labels(state)


_begin_at_nothing()

"""Every metric that an API process serves at `/metrics`, beside those of every process.

Metrics of a process's own work are summed over all processes. Metrics of the database's state are
the same from every process: take any of them, or the maximum. docs/operations.md says what each
means and when to alarm.
"""

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter(
    "wufei_http_requests_total", "Requests answered", ["method", "route", "status"]
)
HTTP_REQUEST_SECONDS = Histogram(
    "wufei_http_request_seconds",
    "Time to answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)

HTTP_REQUESTS_OPEN = Gauge("wufei_http_requests_open", "Requests that are being answered now")

DATABASE_UP = Gauge("wufei_database_up", "1: the database told what is asked of it here; 0: not")
DRAIN_LAG = Gauge(
    "wufei_drain_lag_seconds", "Age of the oldest event that is not yet numbered and followed"
)
LOG_POSITION = Gauge("wufei_log_position", "Events that have a number, in all cities")
LOG_LAG_EVENTS = Gauge(
    "wufei_log_lag_events", "Events that a reader has not followed, in all cities", ["reader"]
)
LOG_LAG_SECONDS = Gauge(
    "wufei_log_lag_seconds", "Age of the oldest event that a reader has not followed", ["reader"]
)
CLOCK_AHEAD = Gauge(
    "wufei_clock_ahead_seconds", "How far this process' clock is before the database's"
)
WORKERS = Gauge("wufei_workers", "Workers that said of late that they go on")
WORKER_CLOCK_AHEAD = Gauge(
    "wufei_worker_clock_ahead_seconds",
    "How far the clock of a worker is before the database's, of the worker with the worst one",
)
WORKER_SILENCE = Gauge(
    "wufei_worker_silence_seconds", "How long ago a worker last said that it goes on"
)
PARTS_AHEAD = Gauge(
    "wufei_parts_ahead_seconds",
    "For how long yet there are parts of every table cut by time; less than 0: none for today",
)
ALERT_EVALUATION_AGE = Gauge(
    "wufei_alert_evaluation_age_seconds",
    "How long ago alerts of the stalest plan were evaluated",
)

READS = Counter(
    "wufei_reads_total",
    "Requests by the server that they read from, where replicas are",
    ["server"],
)
REPLICA_LAG = Gauge(
    "wufei_replica_lag_seconds", "How long a replica is behind the primary at most", ["replica"]
)
REPLICA_USED = Gauge(
    "wufei_replica_used", "1: readings go to the replica; 0: it is set aside", ["replica"]
)

CONNECTORS = Gauge("wufei_connectors", "Connectors, by how they are", ["state"])
CONNECTOR_ITEMS = Gauge(
    "wufei_connector_items",
    "What is reported to superiors by state, 10000 of each connector at most",
    ["state"],
)
CONNECTOR_OLDEST_DUE = Gauge(
    "wufei_connector_oldest_due_seconds",
    "Since when the oldest report of a connector at work is due; 0: none is",
)

WEBHOOK_ENDPOINTS = Gauge("wufei_webhook_endpoints", "Endpoints, by how they are", ["state"])
WEBHOOK_WAITING = Gauge("wufei_webhook_waiting", "Deliveries that wait, to all endpoints")
WEBHOOK_DUE = Gauge("wufei_webhook_due", "Deliveries that are due now, to all endpoints")
WEBHOOK_QUEUED = Gauge("wufei_webhook_queued", "Deliveries that wait, 10000 at most", ["endpoint"])
WEBHOOK_OLDEST_DUE = Gauge(
    "wufei_webhook_oldest_due_seconds",
    "Since when the oldest waiting delivery is due; 0: none is",
    ["endpoint"],
)
WEBHOOK_CONSECUTIVE_FAILURES = Gauge(
    "wufei_webhook_consecutive_failures", "Failures without a success between", ["endpoint"]
)
WEBHOOK_ATTEMPTS = Gauge(
    "wufei_webhook_attempts_lately", "Attempts of the last ten minutes' events", ["endpoint"]
)
WEBHOOK_SUCCESS_RATIO = Gauge(
    "wufei_webhook_success_ratio",
    "How many of those delivered, of 1; absent: none ended",
    ["endpoint"],
)
# Two gauges, because Prometheus reserves the label `quantile` for summaries.
WEBHOOK_ATTEMPT_MEDIAN = Gauge(
    "wufei_webhook_attempt_median_seconds", "How long half of those took at most", ["endpoint"]
)
WEBHOOK_ATTEMPT_P95 = Gauge(
    "wufei_webhook_attempt_p95_seconds", "How long 95 of 100 of those took at most", ["endpoint"]
)

OF_ENDPOINTS = (
    WEBHOOK_QUEUED,
    WEBHOOK_OLDEST_DUE,
    WEBHOOK_CONSECUTIVE_FAILURES,
    WEBHOOK_ATTEMPTS,
    WEBHOOK_SUCCESS_RATIO,
    WEBHOOK_ATTEMPT_MEDIAN,
    WEBHOOK_ATTEMPT_P95,
)
"""Metrics with a series for each endpoint; a deleted endpoint leaves none behind."""

MOST_ENDPOINTS = 100
"""At most this many endpoints have series of their own: the worst ones, and the busiest lately."""

"""Metrics that every process of ours exports: its database connections, and its doorbell.

Memory, CPU time and open files come from the library (`process_…`).
"""

from prometheus_client import Gauge

from services.core.kit.database import Database
from services.core.kit.one_connection import OneEachQueue

CONNECTIONS_IN_USE = Gauge(
    "wufei_database_connections_in_use", "Connections that work holds", ["pool"]
)
CONNECTIONS_LIMIT = Gauge(
    "wufei_database_connections_limit", "Connections that a pool has at most", ["pool"]
)
CONNECTIONS_WAITING = Gauge(
    "wufei_database_connections_waiting", "Work that asks for a connection and has none", ["pool"]
)
DOORBELL_UP = Gauge(
    "wufei_doorbell_up", "1: Redis answers and rings pass; 0: the worker's timer finds the work"
)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Histogram buckets, in seconds, for work that may wait for a worker."""

_SESSIONS, _STATEMENTS = "sessions", "statements"


def tell_of_connections(database: Database, size: int) -> None:
    """Export metrics of a database's two pools, of `size` connections at most each."""
    sessions, statements = database.engine.pool, database.pool
    assert isinstance(sessions, OneEachQueue)  # noqa: S101 (`connect` makes no other)
    for name in (_SESSIONS, _STATEMENTS):
        CONNECTIONS_LIMIT.labels(name).set(size)
    CONNECTIONS_IN_USE.labels(_SESSIONS).set_function(sessions.checkedout)
    CONNECTIONS_IN_USE.labels(_STATEMENTS).set_function(
        lambda: statements.get_size() - statements.get_idle_size()
    )
    CONNECTIONS_WAITING.labels(_SESSIONS).set_function(lambda: sessions.waiting)
    CONNECTIONS_WAITING.labels(_STATEMENTS).set_function(lambda: statements.waiting)

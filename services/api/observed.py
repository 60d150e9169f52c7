"""Metrics and the access log line of a request, written once it is answered."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram
from starlette.types import Scope

from services.api.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, HTTP_REQUESTS_OPEN
from services.core.kit.trail import Trail, on_trail

logger = logging.getLogger("wufei.api")

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TOLD_EVENTS = 20
"""At most this many of a request's events are listed in its log line."""

# The library looks a series up by its labels under a lock; here each is looked up once.
_counted: dict[tuple[str, str, int], Counter] = {}
_timed: dict[tuple[str, str], Histogram] = {}
_open = 0
HTTP_REQUESTS_OPEN.set_function(lambda: _open)


@contextmanager
def counted_open() -> Iterator[None]:
    """Count a request among those in flight."""
    global _open  # noqa: PLW0603 (one process, one count)
    _open += 1
    try:
        yield
    finally:
        _open -= 1


def told_of_request(scope: Scope, trail: Trail, status: int, seconds: float) -> None:
    """Record a request that was answered with `status` after so many seconds."""
    method, route = scope["method"], getattr(scope.get("route"), "path", "no route")
    # Callers may invent methods and paths, so the label values are bounded.
    method = method if method in _METHODS else "_OTHER"
    counter = _counted.get((method, route, status))
    if counter is None:
        counter = HTTP_REQUESTS.labels(method, route, str(status))
        _counted[method, route, status] = counter
    timer = _timed.get((method, route))
    if timer is None:
        timer = _timed[method, route] = HTTP_REQUEST_SECONDS.labels(method, route)
    counter.inc()
    timer.observe(seconds)
    if logger.isEnabledFor(logging.DEBUG):
        with on_trail(trail):
            logger.debug(
                "request answered",
                extra={
                    "method": method,
                    "route": route,
                    "status": status,
                    "seconds": round(seconds, 6),
                    "events": trail.events[:_TOLD_EVENTS],
                },
            )

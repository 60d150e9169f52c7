"""Observability of the worker: spans, metrics, and log lines that carry all ids.

Nothing here decides anything. A turn is reported once its transaction is committed, an attempt once
it is over; whether its outcome is saved after that is in the delivery's row.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.core.events.reading import Followed, NumberedEvents
from services.core.kit.clock import Clock
from services.core.kit.ids import made_at
from services.core.kit.outage import cause_in_words, is_away
from services.core.kit.tracing import OpenSpan, opened_span
from services.core.kit.trail import Trail, on_trail
from services.core.scoring.service import READER as SCORING
from services.core.webhooks.bodies import request_of
from services.core.webhooks.dispatch import Claimed
from services.core.webhooks.sending import Outcome
from services.core.webhooks.settling import Result
from services.worker import metrics
from services.worker.interruption import traceback_of
from services.worker.metrics import BY_DATE

logger = logging.getLogger("wufei.worker")

_TOLD_EVENTS = 20
"""Most event ids in one log line."""


@dataclass(slots=True)
class Turn:
    """One turn of a reader in a city, with its result once it is known."""

    done: object = None
    trail: Trail = field(default_factory=Trail)


@contextmanager
def a_turn(city_code: str, reader: str) -> Iterator[Turn]:
    """Report a turn of a reader; turns without work are not reported."""
    began = time.perf_counter()
    with opened_span(f"follow {reader}", "consumer") as span:
        turn = Turn(trail=Trail(traceparent=span.traceparent))
        with on_trail(turn.trail):
            yield turn
            if not turn.done:
                span.drop()
                return
            _told_of_turn(turn, city_code, reader, time.perf_counter() - began, span)


def _told_of_turn(turn: Turn, city_code: str, reader: str, seconds: float, span: OpenSpan) -> None:
    metrics.FOLLOW_SECONDS.labels(reader).observe(seconds)
    for waited in turn.trail.waited:
        metrics.DUE_TO_TOLD.observe(waited)
    span.says({"wufei.city": city_code, "wufei.reader": reader})
    done: dict[str, object] = {}
    if isinstance(turn.done, Followed):
        done = _told_of_stretch(turn.done, reader, span)
    elif isinstance(turn.done, NumberedEvents | int):
        number = turn.done if isinstance(turn.done, int) else turn.done.number
        metrics.FOLLOWED_EVENTS.labels(reader).inc(number)
        done = {"number": number}
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "log followed",
            extra={
                "city": city_code,
                "reader": reader,
                "seconds": round(seconds, 6),
                **done,
                "wrote": turn.trail.events[:_TOLD_EVENTS],
            },
        )


def _told_of_stretch(followed: Followed, reader: str, span: OpenSpan) -> dict[str, object]:
    metrics.FOLLOWED_EVENTS.labels(reader).inc(followed.position - followed.after)
    span.caused_by(event.traceparent for event in followed.events)
    span.says({"wufei.position": followed.position, "wufei.events": len(followed.events)})
    if reader == SCORING:
        now = Clock.true_now()
        for event in followed.events:
            if event.subject_kind == "submission":
                metrics.COMMIT_TO_BOARD.observe(_since(made_at(event.id), now))
    return {
        "position": followed.position,
        "events": [event.id for event in followed.events[-_TOLD_EVENTS:]],
    }


def a_failure(reader: str) -> None:
    """Count a turn of a reader that failed."""
    metrics.FOLLOW_FAILURES.labels(reader).inc()


def in_trouble(reader: str, cities: int) -> None:
    """Set in how many cities a reader failed and waits for a retry."""
    metrics.STUCK_CITIES.labels(reader).set(cities)


@contextmanager
def an_attempt(group: Sequence[Claimed]) -> Iterator[OpenSpan]:
    """Open the span of one message, linked with the traces of all its deliveries."""
    with (
        metrics.WEBHOOK_UNDER_WAY.track_inprogress(),
        opened_span("webhook POST", "client") as span,
    ):
        span.caused_by(one.traceparent for one in group)
        yield span


def trace_told(span: OpenSpan, group: Sequence[Claimed]) -> str | None:
    """Return the `traceparent` to send: that of the attempt, or else of the event."""
    return span.traceparent or (group[0].traceparent if len(group) == 1 else None)


def told_of_attempt(span: OpenSpan, results: Sequence[Result], began: datetime) -> None:
    """Report the outcome of one message, for each delivery that it covers."""
    outcome = results[0].outcome
    metrics.WEBHOOK_ATTEMPTS.labels(outcome.kind).inc()
    metrics.WEBHOOK_ATTEMPT_SECONDS.observe(outcome.duration_ms / 1000)
    span.says(
        {"wufei.outcome": outcome.kind, "wufei.endpoint_id": str(results[0].claimed.endpoint_id)}
    )
    if outcome.status_code is not None:
        span.says({"http.response.status_code": outcome.status_code})
    for one in results:
        _told_of_delivery(span, one, outcome, began)


def _told_of_delivery(span: OpenSpan, one: Result, outcome: Outcome, began: datetime) -> None:
    claimed = one.claimed
    if one.fate.state == "pending":
        metrics.WEBHOOK_RETRIES.inc()
    else:
        metrics.WEBHOOK_DELIVERIES.labels(one.fate.state).inc()
    span.says({"wufei.delivery_id": str(claimed.id), "wufei.event_id": str(claimed.event_id)})
    if outcome.sent_seconds is not None and claimed.number == 1:
        sent = began + timedelta(seconds=outcome.sent_seconds)
        metrics.COMMIT_TO_FIRST_BYTE.observe(_since(made_at(claimed.event_id), sent))
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "delivery attempted",
            extra={
                "city": claimed.city_code,
                "endpoint": claimed.endpoint_id,
                "delivery": claimed.id,
                "events": [claimed.event_id],
                "request_id": request_of(claimed.body),
                "attempt": claimed.number,
                "outcome": outcome.kind,
                "status": outcome.status_code,
                "seconds": outcome.duration_ms / 1000,
                "state": one.fate.state,
            },
        )


def _since(then: datetime, now: datetime) -> float:
    """Return the seconds between two instants, at least 0, because clocks of machines differ."""
    return max(0.0, (now - then).total_seconds())


@contextmanager
def holding_up_no_other(city_code: str, name: str) -> Iterator[None]:
    """Log a fault of what no event asks for, so that whatever comes after it is done."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        a_failure(BY_DATE + name)
        logger.warning(
            "date follower failed",
            extra={
                "city": city_code,
                "reader": name,
                "cause": cause_in_words(error),
                "next": "retrying with the next sweep, within 30 s",
            },
            exc_info=traceback_of(error),
        )

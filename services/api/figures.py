"""Gauges of the whole deployment's health, read from the database."""

from collections.abc import Sequence
from uuid import UUID

from services.api import metrics
from services.api.context import Resources
from services.core.alerts.queries import Stalest, stalest_evaluation
from services.core.events.queries import (
    NUMBERING,
    SILENT_AFTER,
    Beat,
    LogStanding,
    log_standing,
    worker_beats,
)
from services.core.followers import READERS
from services.core.kit.ids import made_at
from services.core.kit.partitions import CutParts, parts_of
from services.core.partitions import cut_tables
from services.core.webhooks.dispatch import clock_skew

_UNKNOWN = float("nan")


async def read_log_figures(resources: Resources) -> None:
    """Update the gauges of the log, the workers and the alerts."""
    async with resources.database.sessions() as session:
        standing = await log_standing(session, readers=READERS)
        beats = await worker_beats(session)
        unevaluated = unevaluated_for(resources, await stalest_evaluation(session))
        ahead = await clock_skew(session, resources.clock.true_now())
        parts = await parts_of(session, cut_tables())
    metrics.DATABASE_UP.set(1)
    metrics.CLOCK_AHEAD.set(ahead)
    metrics.ALERT_EVALUATION_AGE.set(unevaluated)
    metrics.PARTS_AHEAD.set(_parts_ahead(resources, parts))
    _show_log(resources, standing)
    _show_workers(resources, beats)


def nothing_known() -> None:
    """Mark the database as down, and set its gauges to NaN."""
    metrics.DATABASE_UP.set(0)
    for gauge in (
        metrics.DRAIN_LAG,
        metrics.LOG_POSITION,
        metrics.CLOCK_AHEAD,
        metrics.WORKERS,
        metrics.WORKER_SILENCE,
        metrics.WORKER_CLOCK_AHEAD,
        metrics.ALERT_EVALUATION_AGE,
        metrics.PARTS_AHEAD,
        metrics.WEBHOOK_WAITING,
        metrics.WEBHOOK_DUE,
    ):
        gauge.set(_UNKNOWN)
    labelled = (metrics.LOG_LAG_EVENTS, metrics.LOG_LAG_SECONDS, metrics.WEBHOOK_ENDPOINTS)
    for gauge in (*labelled, *metrics.OF_ENDPOINTS):
        gauge.clear()


def show_replicas(resources: Resources) -> None:
    """Update the gauges of replicas; an unknown lag is NaN."""
    for replica in resources.reads.replicas:
        lag = resources.reads.lag(replica)
        metrics.REPLICA_LAG.labels(replica.name).set(_UNKNOWN if lag is None else lag)
        metrics.REPLICA_USED.labels(replica.name).set(replica.set_aside is None)


def _show_log(resources: Resources, standing: LogStanding) -> None:
    metrics.LOG_POSITION.set(standing.position)
    metrics.DRAIN_LAG.set(age_of(resources, standing.oldest) or 0)
    for reader in (NUMBERING, *READERS):
        behind = standing.behind.get(reader)
        oldest = None if behind is None else behind.oldest
        metrics.LOG_LAG_SECONDS.labels(reader).set(age_of(resources, oldest) or 0)
        if reader != NUMBERING:
            metrics.LOG_LAG_EVENTS.labels(reader).set(0 if behind is None else behind.events)


def _show_workers(resources: Resources, beats: Sequence[Beat]) -> None:
    now = resources.clock.true_now()
    at_work = [one for one in beats if now - one.at < SILENT_AFTER]
    ahead = [one.clock_ahead_seconds for one in at_work if one.clock_ahead_seconds is not None]
    silence = max(0.0, (now - beats[0].at).total_seconds()) if beats else _UNKNOWN
    metrics.WORKERS.set(len(at_work))
    metrics.WORKER_SILENCE.set(silence)
    metrics.WORKER_CLOCK_AHEAD.set(max(ahead, key=abs, default=0))


def _parts_ahead(resources: Resources, found: Sequence[CutParts]) -> float:
    """Return for how many more seconds every table has a partition; below 0: a table has none."""
    now = resources.clock.true_now()
    return min((one.until - now).total_seconds() if one.until else -1.0 for one in found)


def unevaluated_for(resources: Resources, stalest: Stalest | None) -> float:
    """Return the seconds since the stalest plan was evaluated; a new one counts from its load."""
    if stalest is None:
        return 0
    # Loads are stamped by the domain's clock, evaluations by the true one: compare each with its
    # own.
    if stalest.evaluated_at is None:
        return (resources.clock.now() - stalest.loaded_at).total_seconds()
    return max(0.0, (resources.clock.true_now() - stalest.evaluated_at).total_seconds())


def age_of(resources: Resources, event_id: UUID | None) -> float | None:
    """Return the age of an event in seconds."""
    if event_id is None:
        return None
    return max(0.0, (resources.clock.true_now() - made_at(event_id)).total_seconds())

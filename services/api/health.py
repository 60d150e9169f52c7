"""Whether this process lives, whether the system is ready, and its metrics. Public."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from services.api.context import Held, Resources
from services.api.contract.choices import one_of
from services.api.contract.shown import answering
from services.api.metrics import ALERT_EVALUATION_AGE, DRAIN_LAG, PARTS_AHEAD, WORKER_SILENCE
from services.api.routing import PublicRoute
from services.api.webhooks.queue_metrics import read_webhook_figures
from services.core.alerts.queries import Stalest, stalest_evaluation
from services.core.events.queries import SILENT_AFTER, last_beats, oldest_waiting_event
from services.core.followers import READERS
from services.core.identity.queries import has_administrator
from services.core.kit.database import takes_writes
from services.core.kit.ids import made_at
from services.core.kit.outage import is_outdated
from services.core.kit.partitions import Parts, parts_of
from services.core.kit.schema import expected_revision, present_revision
from services.core.partitions import cut_tables
from services.core.plan.queries import has_plan
from services.core.webhooks.queue_stats import longest_unattended

router = APIRouter(tags=["health"], route_class=PublicRoute)

_STUCK_AFTER_SECONDS = 60
"""An event that waits longer to be numbered and followed, or a webhook to be sent: no worker
works, or it cannot go on."""

_UNEVALUATED_SECONDS = 30 * 60
"""Three rounds of the alert engine: it stands still if a plan was not evaluated for longer."""

_UNKNOWN = float("nan")


_Health = Annotated[str, one_of(["ok", "degraded", "failed"])]


class HealthOut(BaseModel):
    """The process answers."""

    status: Annotated[str, one_of(["ok"])] = Field(description="Always `ok`")


class ReadyOut(BaseModel):
    """What the system's readiness depends on; each part `ok`, `degraded` or `failed`."""

    status: _Health = Field(description="The worst of the parts")
    parts: dict[str, _Health] = Field(description="Postgres, schema, plan, …, by name")
    drain_lag_seconds: float | None = Field(
        description="How long the oldest event has been waiting; null: none is"
    )


@router.get("/healthz", responses=answering("Lives"))
async def healthz() -> HealthOut:
    """Answer as long as the process lives."""
    return HealthOut(status="ok")


@router.get(
    "/readyz", responses={**answering("Ready"), **answering("NotReady", status=503, model=ReadyOut)}
)
async def readyz(held: Held, response: Response) -> ReadyOut:
    """Answer 200 when requests can be served: schema, Postgres, a plan, an administrator.

    Without Redis the system is degraded and still ready: the worker's timer finds the work.
    Without a worker it is too: values are taken, and scoreboards and the feed stand still.
    """
    parts, lag = await _parts(held)
    parts["redis"] = "ok" if held.doorbell.answering else "degraded"
    failed = "failed" in parts.values()
    if failed:
        response.status_code = 503
    degraded = "degraded" in parts.values()
    return ReadyOut(
        status="failed" if failed else ("degraded" if degraded else "ok"),
        parts=parts,
        drain_lag_seconds=lag,
    )


async def _parts(held: Resources) -> tuple[dict[str, str], float | None]:
    now = held.clock.true_now()
    try:
        revision = await present_revision(held.database.engine)
        async with held.database.sessions() as session:
            writes = await takes_writes(session)
            plan = await has_plan(session)
            administrator = await has_administrator(session)
            lag = _age(held, await oldest_waiting_event(session, readers=READERS))
            beats = await last_beats(session)
            alerts = _since(held, await stalest_evaluation(session))
            unattended = await longest_unattended(session)
    except ProgrammingError:  # a table that we ask is not there
        return {"postgres": "ok", "schema": "failed"}, None
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        if is_outdated(error):
            raise
        return {"postgres": "failed"}, None
    return {
        "postgres": "ok",
        "writes": _told(writes and not held.writes.refused_lately(now), "failed"),
        "schema": _told(revision == expected_revision(), "failed"),
        "plan": _told(plan, "failed"),
        "administrator": _told(administrator, "failed"),
        "drain": _told(lag is None or lag < _STUCK_AFTER_SECONDS, "degraded"),
        "alerts": _told(alerts < _UNEVALUATED_SECONDS, "degraded"),
        "deliveries": _told((unattended or 0) < _STUCK_AFTER_SECONDS, "degraded"),
        "worker": _told(bool(beats) and now - beats[0] < SILENT_AFTER, "degraded"),
    }, lag


def _told(well: bool, otherwise: str) -> str:
    return "ok" if well else otherwise


def _since(held: Resources, stalest: Stalest | None) -> float:
    """Return for how many seconds the stalest plan was not evaluated; a new one since it came."""
    if stalest is None:
        return 0
    # When a plan was loaded is stamped by the domain's clock, an evaluation by the true one: each
    # is compared with its own.
    if stalest.evaluated_at is None:
        return (held.clock.now() - stalest.loaded_at).total_seconds()
    return max(0.0, (held.clock.true_now() - stalest.evaluated_at).total_seconds())


def _age(held: Resources, event_id: UUID | None) -> float | None:
    """Return how many seconds ago an event was made."""
    if event_id is None:
        return None
    return max(0.0, (held.clock.true_now() - made_at(event_id)).total_seconds())


def _ahead(held: Resources, found: Sequence[Parts]) -> float:
    """Return for how many seconds yet every table has a part; less than 0: one has none."""
    now = held.clock.true_now()
    return min((one.until - now).total_seconds() if one.until else -1.0 for one in found)


@router.get(
    "/metrics", response_class=Response, responses=answering("Metrics", media_type="text/plain")
)
async def metrics(request: Request) -> Any:
    """Return the metrics of this process in Prometheus' text format."""
    held: Resources = request.app.state.resources
    lag = silence = unevaluated = ahead = _UNKNOWN
    try:
        async with held.database.sessions() as session:
            lag = _age(held, await oldest_waiting_event(session, readers=READERS)) or 0
            beats = await last_beats(session)
            unevaluated = _since(held, await stalest_evaluation(session))
            ahead = _ahead(held, await parts_of(session, cut_tables()))
        if beats:
            silence = max(0.0, (held.clock.true_now() - beats[0]).total_seconds())
        await read_webhook_figures(held)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        if is_outdated(error):
            raise
    DRAIN_LAG.set(lag)
    WORKER_SILENCE.set(silence)
    PARTS_AHEAD.set(ahead)
    ALERT_EVALUATION_AGE.set(unevaluated)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

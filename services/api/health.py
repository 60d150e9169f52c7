"""Public routes for liveness, readiness and metrics."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from services.api.connectors.queue_metrics import read_connector_figures
from services.api.context import Resources, ResourcesDep
from services.api.contract.choices import one_of
from services.api.contract.shown import answering
from services.api.figures import (
    age_of,
    nothing_known,
    read_log_figures,
    show_replicas,
    unevaluated_for,
)
from services.api.routing import PublicRoute
from services.api.webhooks.queue_metrics import read_webhook_figures
from services.core.alerts.queries import stalest_evaluation
from services.core.events.queries import SILENT_AFTER, last_beats, log_standing
from services.core.followers import READERS
from services.core.identity.queries import has_administrator
from services.core.kit.database import takes_writes
from services.core.kit.outage import is_outdated
from services.core.kit.schema import present_schema
from services.core.plan.queries import has_plan
from services.core.webhooks.queue_stats import longest_unattended

router = APIRouter(tags=["health"], route_class=PublicRoute)

_STUCK_AFTER_SECONDS = 60
"""When an event waits longer for its number or its consumers, or a webhook for sending, no worker
works, or it is stuck."""

_UNEVALUATED_SECONDS = 30 * 60
"""Three rounds of the alert engine: a plan unevaluated for longer means that it stands still."""

_ASKED_FOR_SECONDS = 3
"""Timeout of the database check: a health check must answer soon even if the database hangs."""

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
async def readyz(resources: ResourcesDep, response: Response) -> ReadyOut:
    """Answer 200 when requests can be served: schema, Postgres, a plan, an administrator.

    Without Redis the system is degraded and still ready: the worker's timer finds the work.
    Without a worker it is too: values are taken, and scoreboards and the feed stand still.
    """
    parts, lag = await _parts(resources)
    parts["redis"] = "ok" if resources.doorbell.answering else "degraded"
    if resources.reads.replicas:
        recent = all(one.set_aside is None for one in resources.reads.replicas)
        parts["replicas"] = _told(recent, "degraded")
    failed = "failed" in parts.values()
    if failed:
        response.status_code = 503
    degraded = "degraded" in parts.values()
    return ReadyOut(
        status="failed" if failed else ("degraded" if degraded else "ok"),
        parts=parts,
        drain_lag_seconds=lag,
    )


async def _parts(resources: Resources) -> tuple[dict[str, str], float | None]:
    now = resources.clock.true_now()
    try:
        async with asyncio.timeout(_ASKED_FOR_SECONDS):
            schema = await present_schema(resources.database.engine)
            async with resources.database.sessions() as session:
                writes = await takes_writes(session)
                plan = await has_plan(session)
                administrator = await has_administrator(session)
                standing = await log_standing(session, readers=READERS)
                lag = age_of(resources, standing.oldest)
                beats = await last_beats(session)
                alerts = unevaluated_for(resources, await stalest_evaluation(session))
                unattended = await longest_unattended(session)
    except ProgrammingError:  # a table that we ask is not there
        return {"postgres": "ok", "schema": "failed"}, None
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        if is_outdated(error):
            raise
        return {"postgres": "failed"}, None
    return {
        "postgres": "ok",
        "writes": _told(writes and not resources.writes.refused_lately(now), "failed"),
        "schema": _told(schema.fits, "failed"),
        "plan": _told(plan, "failed"),
        "administrator": _told(administrator, "failed"),
        "drain": _told(lag is None or lag < _STUCK_AFTER_SECONDS, "degraded"),
        "alerts": _told(alerts < _UNEVALUATED_SECONDS, "degraded"),
        "deliveries": _told((unattended or 0) < _STUCK_AFTER_SECONDS, "degraded"),
        "worker": _told(bool(beats) and now - beats[0] < SILENT_AFTER, "degraded"),
    }, lag


def _told(well: bool, otherwise: str) -> str:
    return "ok" if well else otherwise


@router.get(
    "/metrics", response_class=Response, responses=answering("Metrics", media_type="text/plain")
)
async def metrics(request: Request) -> Any:
    """Return the metrics of this process in Prometheus' text format."""
    resources: Resources = request.app.state.resources
    try:
        async with asyncio.timeout(_ASKED_FOR_SECONDS):
            await read_log_figures(resources)
            await read_webhook_figures(resources)
            await read_connector_figures(resources)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        if is_outdated(error):
            raise
        nothing_known()
    show_replicas(resources)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

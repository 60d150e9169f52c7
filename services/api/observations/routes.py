"""Routes of observations: hand in another source's values, list them, read earlier versions."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic_core import to_json
from typing_extensions import override

from services.api.actors import name_actors
from services.api.answers import created, json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.deferred_faults import DeferredFaults
from services.api.filters import IndicatorFilter, OrganizationFilter, check_codes
from services.api.observations.schemas import (
    CheckedObservation,
    ObservationBatchIn,
    ObservationHistoryOut,
    ObservationListOut,
    ObservationOut,
    ObservationReportOut,
    draft_of,
    observation_body,
    observation_etag,
    observation_fields,
    report_of,
)
from services.api.paging import after_id, cut, history_page, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.problems import language_of
from services.api.reasons import ReasonIn
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.observations import queries
from services.core.observations.errors import ObservationNotFound
from services.core.observations.models import Observation
from services.core.observations.queries import ObservationFilters
from services.core.observations.rules import check_withdraws, judged, source_in
from services.core.observations.service import record_observations, withdraw
from services.core.plan.observing import ObservationSource
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.visibility import sees_whole_plan

router = versioned_router("observations")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
ObservationId = Annotated[
    UUID,
    Path(description="Id of an observation", examples=["019bb2a0-4c00-7b20-8d11-0d6c0f0e5c11"]),
]


@router.post(
    "/plans/{plan}/observations",
    status_code=201,
    responses={
        **answering("ObservationRecorded", ETAG, LOCATION, status=201, model=ObservationOut),
        **answering("Observation", ETAG, model=ObservationOut),
        **refusals(403, 404),
    },
    openapi_extra=asking("ObservationAsked", "ObservationOfYearbook"),
    response_model=None,
)
async def record_observation(
    body: CheckedObservation,
    actor: Writer,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Keep what another source says of a figure, beside the official one.

    The first figure of a source for an indicator, unit and period is 201. Another `reference`
    corrects it; the same again writes nothing: both are 200. The official value stays as it is.
    Where the two lie further apart than the plan's tolerance, a conflict is raised, which somebody
    decides. A figure may come before or after the official one, and in a closed period too.
    """
    now = resources.clock.now()
    draft = draft_of(body)
    source = _source(body, plan)
    (known,) = judged([draft], plan, plan.local_date(now))
    faults = [*([source] if isinstance(source, Fault) else []), *known.faults]
    if faults or not isinstance(source, ObservationSource):
        raise InvalidInput(faults=faults)
    (found,) = await record_observations(
        session, [draft], source=source, plan=plan, actor=actor, now=now
    )
    if found.row is None or found.faults:
        raise InvalidInput(faults=found.faults)
    answer, etag = observation_body(found.row, plan), observation_etag(found.row)
    if found.outcome == "created":
        return created(answer, etag=etag, location=f"/v1/observations/{found.row['id']}")
    return json_answer(answer, etag=etag)


def _source(body: DeferredFaults | Any, plan: PlanState) -> ObservationSource | Fault | None:
    """Return the source that a body names, the fault of an unknown one, or None."""
    code = body.members.get("source_code") if isinstance(body, DeferredFaults) else body.source_code
    if not isinstance(code, str):
        return None
    try:
        return source_in(plan, code)
    except InvalidInput as error:
        return error.faults[0]


@router.post(
    "/plans/{plan}/observations/batch",
    responses={**answering("ObservationReport"), **refusals(403, 404)},
    openapi_extra=asking("ObservationBatch"),
    response_model=ObservationReportOut,
)
@heavy
async def record_observations_at_once(
    body: ObservationBatchIn,
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Keep up to 1,000 figures of one source; the answer says what became of each.

    Each is judged as its own POST would be, and every fault of every figure is told. Those without
    faults are taken in. Sent again, all of it is `unchanged` and writes nothing.
    """
    found = await record_observations(
        session,
        [draft_of(item, index) for index, item in enumerate(body.items)],
        source=source_in(plan, body.source_code),
        plan=plan,
        actor=actor,
        now=resources.clock.now(),
    )
    report = report_of(found, language_of(request))
    return Response(to_json(report), media_type="application/json")


@router.get(
    "/plans/{plan}/observations", responses={**answering("Observations"), **refusals(403, 404)}
)
async def list_observations(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    source_code: Annotated[
        str | None, Query(max_length=60, description="Of this source only")
    ] = None,
    indicator_code: IndicatorFilter = None,
    organization_code: OrganizationFilter = None,
    period: PeriodFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ObservationListOut:
    """List what other sources say, newest first.

    A unit sees what is said of its own figures and what it handed in itself, a lead also what is
    said of the indicators it leads; the superior none.
    """
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = ObservationFilters(source_code, indicator_code, organization_code, period)
    named = of_list(actor, "observations", plan=plan.code, **filters.named())
    found = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        filters=filters,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    check_codes(found, plan, indicator_code=indicator_code, organization_code=organization_code)
    if not found and source_code is not None:
        _check_source(plan, source_code)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return ObservationListOut.model_validate(
        {
            "items": [observation_fields(vars(one), plan) for one in page],
            "next_page_token": following,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


def _check_source(plan: PlanState, code: str) -> None:
    try:
        source_in(plan, code)
    except InvalidInput as error:
        (fault,) = error.faults
        place = Fault("/query/source_code", fault.code, fault.detail, fault.value)
        raise InvalidInput(faults=[place]) from None


async def _seen(observation_id: ObservationId, actor: Reader, session: Reading) -> Observation:
    """Return an observation that the caller sees.

    Raises:
        ObservationNotFound: no observation with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, observation_id), ObservationNotFound)


Seen = Annotated[Observation, Depends(_seen)]


@router.get(
    "/observations/{observation_id}",
    responses={**answering("Observation", ETAG), **refusals(403, 404)},
    response_model=ObservationOut,
)
async def get_observation(
    row: Seen, session: Reading, resources: ResourcesDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Return what a source says of one figure now."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    found = vars(row)
    return json_answer(
        observation_body(found, plan), etag=observation_etag(found), if_none_match=if_none_match
    )


@router.get(
    "/observations/{observation_id}/history",
    responses={**answering("ObservationHistory"), **refusals(403, 404)},
)
async def get_observation_history(
    row: Seen,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ObservationHistoryOut:
    """Return every figure that a source gave of one thing, what it replaced, and withdrawals."""
    named = of_list(actor, "observation-history", of=row.id)
    history = partial(queries.history, session, row.city_code, row.id)
    listed = await history_page(history, page_token, named, page_size)
    await name_actors(session, row.city_code, listed["items"])
    return ObservationHistoryOut.model_validate(listed)


@dataclass(frozen=True)
class ObservationTurn(Turn[Observation]):
    """The turn of withdrawing an observation, with the plan that names its source."""

    plan: PlanState

    @override
    async def shown(self) -> Shown:
        row = vars(self.item)
        return Shown(
            observation_fields(row, self.plan),
            observation_body(row, self.plan),
            observation_etag(row),
        )


async def _take(
    observation_id: ObservationId, actor: Writer, session: Writing, resources: ResourcesDep
) -> ObservationTurn:
    row = in_scope(await queries.for_update(session, actor, observation_id), ObservationNotFound)
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    check_withdraws(actor, vars(row), plan.sources.get(row.source_code))
    return ObservationTurn(row, actor, session, resources, plan)


@router.post(
    "/observations/{observation_id}/withdraw",
    responses={**answering("ObservationWithdrawn", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("Reason"),
    response_model=ObservationOut,
)
async def withdraw_observation(
    body: ReasonIn, turn: Annotated[ObservationTurn, Depends(_take)], if_match: IfMatch = None
) -> Response:
    """Take back what a source says of a figure, with the reason. Its history stays.

    Whoever hands in the figures of the source may. A conflict that rests on the figure closes. The
    source may say something again, by another `reference`.
    """
    return await turn.act(
        if_match,
        withdraw,
        actor=turn.actor,
        reason=body.reason,
        now=turn.resources.clock.now(),
    )

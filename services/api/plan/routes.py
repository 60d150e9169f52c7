"""Paths of plans: documents, indicators, tasks, periods, assigned targets, open questions."""

from typing import Annotated

from fastapi import Depends, Header, Path, Request, Response

from services.api.answers import body_etag, json_answer
from services.api.context import (
    Held,
    IfMatch,
    IfNoneMatch,
    PlanInScope,
    Reading,
    Writing,
    check_match,
)
from services.api.contract import refusals
from services.api.plan.schemas import (
    AssignedOut,
    AssignmentIn,
    AssignmentListOut,
    DecisionIn,
    IndicatorListOut,
    IndicatorOut,
    LoadedOut,
    PeriodOut,
    PlanDetailOut,
    PlanListOut,
    QuestionOut,
    TaskListOut,
    TaskOut,
)
from services.api.plan.views import (
    assigned_out,
    indicator_out,
    period_out,
    plan_detail_out,
    plan_out,
    settled_out,
    task_out,
)
from services.api.problems import UnsupportedMediaType
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, Forbidden, InvalidInput
from services.core.kit.exact_data import read_json, read_yaml
from services.core.kit.text import Text
from services.core.plan import queries, service
from services.core.plan.document import PlanDocument
from services.core.plan.errors import IndicatorNotFound, TaskNotFound
from services.core.plan.loading import load_plan
from services.core.plan.periods import Period
from services.core.plan.queries import PlanState
from services.core.plan.rules import read_document
from services.core.plan.service import Assignment, Decision, PeriodVerb

router = versioned_router("plans")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
Loader = Annotated[Actor, Depends(permitted(Permission.LOAD_PLAN))]
PeriodRunner = Annotated[Actor, Depends(permitted(Permission.RUN_PERIOD))]
Assigner = Annotated[Actor, Depends(permitted(Permission.ASSIGN_TARGET))]
Settler = Annotated[Actor, Depends(permitted(Permission.SETTLE_QUESTION))]

IndicatorCode = Annotated[str, Path(alias="code", max_length=60)]

_DOCUMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/PlanDocument"}},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/plans",
    status_code=201,
    responses={200: {"model": LoadedOut}, **refusals(400, 401, 403, 409, 413, 415, 422)},
    openapi_extra=_DOCUMENT_BODY,
)
async def load_plan_document(
    request: Request,
    actor: Loader,
    session: Writing,
    held: Held,
    response: Response,
    content_type: Annotated[str, Header(include_in_schema=False)] = "application/json",
) -> LoadedOut:
    """Load a plan document: a new plan (201), a new version, or nothing where it is the same."""
    document = _read(await request.body(), content_type)
    if not actor.every_city and document.city.code != actor.city_code:
        raise Forbidden
    if actor.plan_code not in {None, document.code}:
        raise Forbidden
    loaded = await load_plan(session, document=document, actor=actor.stamp(), now=held.clock.now())
    held.plans.forget(loaded.plan_code)
    response.status_code = 201 if loaded.outcome == "created" else 200
    response.headers["Location"] = f"/v1/plans/{loaded.plan_code}"
    return LoadedOut(
        outcome=loaded.outcome,
        code=loaded.plan_code,
        version=loaded.version,
        city_code=loaded.city_code,
    )


def _read(body: bytes, content_type: str) -> PlanDocument:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in {"application/json", ""}:
        return read_document(read_json(body))
    if media_type in {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}:
        return read_document(read_yaml(body))
    raise UnsupportedMediaType


@router.get("/plans", responses=refusals(401, 403))
async def list_plans(actor: Reader, session: Reading) -> PlanListOut:
    """List the plans in the caller's scope."""
    found = await queries.visible_plans(
        session,
        city_code=None if actor.every_city else actor.city_code,
        plan_code=actor.plan_code,
    )
    states = [await queries.plan_state(session, plan.city_code, plan.code) for plan in found]
    return PlanListOut(
        items=[plan_out(state) for state in states if state is not None], next_page_token=None
    )


@router.get("/plans/{plan}", responses=refusals(401, 403, 404), response_model=PlanDetailOut)
async def get_plan(actor: Reader, plan: PlanInScope, if_none_match: IfNoneMatch = None) -> Response:
    """Return a plan with its document, periods and open questions."""
    del actor
    body = plan_detail_out(plan).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/indicators", responses=refusals(401, 403, 404), response_model=IndicatorListOut
)
async def list_indicators(
    actor: Reader, plan: PlanInScope, if_none_match: IfNoneMatch = None
) -> Response:
    """List every indicator of a plan, as printed and as read; a plan has at most a thousand."""
    del actor
    listed = IndicatorListOut(
        items=[indicator_out(indicator, plan) for indicator in plan.document.indicators],
        next_page_token=None,
        plan_status=plan.document.status,
    )
    body = listed.model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _indicator_body(plan: PlanState, code: str) -> bytes:
    indicator = plan.indicators.get(code)
    if indicator is None:
        raise IndicatorNotFound
    return indicator_out(indicator, plan).model_dump_json().encode()


@router.get(
    "/plans/{plan}/indicators/{code}",
    responses=refusals(401, 403, 404),
    response_model=IndicatorOut,
)
async def get_indicator(
    actor: Reader, plan: PlanInScope, code: IndicatorCode, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one indicator."""
    del actor
    body = _indicator_body(plan, code)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get("/plans/{plan}/indicators/{code}/targets/{year}", responses=refusals(401, 403, 404))
async def list_assigned_targets(
    actor: Reader,
    plan: PlanInScope,
    code: IndicatorCode,
    year: Annotated[int, Path(ge=1990, le=2100)],
) -> AssignmentListOut:
    """List every target assigned to an indicator for a year, oldest first; the last counts."""
    del actor
    if code not in plan.indicators:
        raise IndicatorNotFound
    assigned = plan.assigned.get((code, year), ())
    return AssignmentListOut(items=[assigned_out(row) for row in assigned], next_page_token=None)


@router.put(
    "/plans/{plan}/indicators/{code}/targets/{year}",
    responses=refusals(400, 401, 403, 404, 409, 412, 422, 428),
)
async def assign_target(
    body: AssignmentIn,
    actor: Assigner,
    plan: PlanInScope,
    code: IndicatorCode,
    year: Annotated[int, Path(ge=1990, le=2100)],
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> AssignedOut:
    """Record a target assigned by the superior; earlier ones of the year stay readable.

    The first of a year needs no `If-Match`; a later one names the indicator's ETag.
    """
    fresh = await _fresh(session, plan)
    current = _indicator_body(fresh, code)
    assigned_before = bool(fresh.assigned.get((code, year)))
    check_match(if_match, body_etag(current), required=assigned_before)
    row = await service.assign_target(
        session,
        plan=fresh,
        indicator_code=code,
        year=year,
        assignment=Assignment(
            kind=body.kind,
            value=body.value,
            text=body.text,
            document_number=body.document_number,
            document_date=body.document_date,
            attachment=body.attachment,
        ),
        actor=actor.stamp(),
        now=held.clock.now(),
    )
    held.plans.forget(plan.code)
    response.headers["ETag"] = body_etag(_indicator_body(await _fresh(session, plan), code))
    return assigned_out(row)


async def _fresh(session: Writing, plan: PlanState) -> PlanState:
    """Return the plan as this transaction sees it, for a change that is based on its version."""
    found = await queries.plan_state(session, plan.city_code, plan.code)
    return found or plan


@router.get("/plans/{plan}/tasks", responses=refusals(401, 403, 404), response_model=TaskListOut)
async def list_tasks(
    actor: Reader, plan: PlanInScope, if_none_match: IfNoneMatch = None
) -> Response:
    """List every task with its measures and their lead and responsible units."""
    del actor
    listed = TaskListOut(
        items=[task_out(task, plan) for task in plan.document.tasks], next_page_token=None
    )
    body = listed.model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get("/plans/{plan}/tasks/{number}", responses=refusals(401, 403, 404, 422))
async def get_task(actor: Reader, plan: PlanInScope, number: int) -> TaskOut:
    """Return one task with its measures."""
    del actor
    for task in plan.document.tasks:
        if task.number == number:
            return task_out(task, plan)
    raise TaskNotFound


@router.post(
    "/plans/{plan}/open-questions/{question_id}/settle",
    responses=refusals(400, 401, 403, 404, 409, 422),
)
async def settle_open_question(
    body: DecisionIn,
    actor: Settler,
    plan: PlanInScope,
    question_id: str,
    session: Writing,
    held: Held,
) -> QuestionOut:
    """Record the decision on an open question; the printed text stays beside it."""
    settled = await service.settle_question(
        session,
        plan=plan,
        question_id=question_id,
        decision=Decision(
            decision=body.decision,
            document_number=body.document_number,
            document_date=body.document_date,
        ),
        actor=actor.stamp(),
        now=held.clock.now(),
    )
    held.plans.forget(plan.code)
    return settled_out(question_id, settled, plan)


def parsed_period(plan: PlanState, code: str, pointer: str) -> Period:
    """Return the period of a code.

    Raises:
        InvalidInput: it is no period, or begins before the plan does.
    """
    try:
        period = Period.parse(code)
    except ValueError:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "invalid-period",
                    Text(
                        "周期应写作 2025、2025-H1、2025-Q3 或 2025-09",
                        "A period is written 2025, 2025-H1, 2025-Q3 or 2025-09",
                    ),
                    code[:40],
                )
            ]
        ) from None
    if period.last_day < plan.document.span.start:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "period-before-plan",
                    Text("该周期早于计划的开始", "The period ends before the plan begins"),
                    code,
                )
            ]
        )
    return period


@router.get("/plans/{plan}/periods", responses=refusals(401, 403, 404))
async def list_periods(actor: Reader, plan: PlanInScope) -> list[PeriodOut]:
    """List the periods that were ever opened."""
    del actor
    return [period_out(period) for _, period in sorted(plan.periods.items())]


async def _move(
    verb: PeriodVerb, code: str, actor: Actor, plan: PlanState, session: Writing, held: Held
) -> PeriodOut:
    period = parsed_period(plan, code, "/path/period")
    row = await service.move_period(
        session,
        plan=plan,
        period=period,
        verb=verb,
        actor=actor.stamp(),
        now=held.clock.now(),
    )
    held.plans.forget(plan.code)
    return period_out(row)


_PeriodCode = Annotated[str, Path(alias="period", max_length=40)]
_MOVES = refusals(401, 403, 404, 409, 422)


@router.post("/plans/{plan}/periods/{period}/open", responses=_MOVES)
async def open_period(
    actor: PeriodRunner, plan: PlanInScope, period: _PeriodCode, session: Writing, held: Held
) -> PeriodOut:
    """Ask the units for a period's values; from its due date on a value may be missing."""
    return await _move("open", period, actor, plan, session, held)


@router.post("/plans/{plan}/periods/{period}/close", responses=_MOVES)
async def close_period(
    actor: PeriodRunner, plan: PlanInScope, period: _PeriodCode, session: Writing, held: Held
) -> PeriodOut:
    """Stop the writing of a period's values; what is under review can still be decided."""
    return await _move("close", period, actor, plan, session, held)


@router.post("/plans/{plan}/periods/{period}/publish", responses=_MOVES)
async def publish_period(
    actor: PeriodRunner, plan: PlanInScope, period: _PeriodCode, session: Writing, held: Held
) -> PeriodOut:
    """Freeze the scoreboard of a period under the next number."""
    return await _move("publish", period, actor, plan, session, held)


@router.post("/plans/{plan}/periods/{period}/reopen", responses=_MOVES)
async def reopen_period(
    actor: PeriodRunner, plan: PlanInScope, period: _PeriodCode, session: Writing, held: Held
) -> PeriodOut:
    """Open a closed or published period again; it is scored anew from then on."""
    return await _move("reopen", period, actor, plan, session, held)

"""Routes of plans: documents, indicators, tasks."""

from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Request, Response

from services.api.answers import body_etag, json_answer
from services.api.context import (
    IfNoneMatch,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.plan_document import REFERENCE
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering
from services.api.plan.parameters import Reader
from services.api.plan.schemas import (
    IndicatorListOut,
    IndicatorOut,
    LoadedOut,
    PlanDetailOut,
    PlanListOut,
    TaskListOut,
    TaskOut,
)
from services.api.plan.views import indicator_out, plan_detail_out, plan_out, task_out
from services.api.plan_parameters import IndicatorCode, SectionQuery, TaskNumber, indicator_in
from services.api.problems import UnsupportedMediaType
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.calendars.queries import working_calendar
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.city_scope import enter_city, in_city
from services.core.kit.errors import InvalidInput
from services.core.kit.exact_data import read_json
from services.core.kit.exact_yaml import read_yaml
from services.core.kit.text import Text
from services.core.obligations.queries import answered_periods
from services.core.plan import queries
from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_section
from services.core.registers.rekeying import load_plan_over_rows

router = versioned_router("plans")

Loader = Annotated[Actor, Depends(permitted(Permission.LOAD_PLAN))]

# Parsing a document is CPU work: in a thread, so that the event loop serves others, and one at a
# time, so that many documents take no more CPU than one.
_one_at_a_time = CapacityLimiter(1)


def _read(body: bytes, content_type: str) -> PlanDocument:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in {"application/json", ""}:
        return read_document(read_json(body))
    if media_type in {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}:
        return read_document(read_yaml(body))
    raise UnsupportedMediaType(
        detail=Text(
            "请用 Content-Type: application/json 或 application/yaml",
            "Send it with Content-Type: application/json or application/yaml",
        )
    )


async def _sent_document(
    request: Request,
    content_type: Annotated[str, Header(include_in_schema=False)] = "application/json",
) -> PlanDocument:
    """Return the document of the body, parsed before a session is opened, so that none waits."""
    body = await request.body()
    return await run_sync(_read, body, content_type, limiter=_one_at_a_time)


Sent = Annotated[PlanDocument, Depends(_sent_document)]

_DOCUMENT_BODY = {
    "requestBody": {
        "required": True,
        "description": "A plan document, in the format that `docs/plan-format.md` describes. The"
        " two media types say the same; numbers stay exact in both.",
        "content": {
            media_type: {
                "schema": {"$ref": REFERENCE},
                "examples": {"PlanDocument": {}},
            }
            for media_type in ("application/json", "application/yaml")
        },
    }
}


@router.post(
    "/plans",
    status_code=201,
    responses={
        **answering("PlanNewVersion", LOCATION, model=LoadedOut),
        **answering("PlanCreated", LOCATION, status=201),
        **refusals(403, 409),
    },
    openapi_extra=_DOCUMENT_BODY,
)
async def load_plan_document(
    actor: Loader,
    document: Sent,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
) -> LoadedOut:
    """Load a plan document: a new plan (201), a new version, or nothing where it is the same.

    Every fault of the document is told at once, each with its JSON pointer; with
    `validate_only` this is a check of the document. A key of one plan loads that plan, and leaves
    the city and other plans' organizations as they are. What was scored under an earlier version
    stays as it was.
    """
    if not actor.every_city and document.city.code != actor.city_code:
        raise takes(
            "该城市的密钥，或系统的首位管理员", "a key of that city, or the first administrator"
        )
    if not actor.runs_whole_city and actor.plan_code != document.code:
        raise takes("不限于另一计划的密钥", "a key that is not bound to another plan")
    enter_city(document.city.code)
    loaded = await load_plan_over_rows(
        session,
        document=document,
        actor=actor.stamp(),
        now=resources.clock.now(),
        whole_city=actor.runs_whole_city,
    )
    resources.plans.changed(session, loaded.plan_code)
    response.status_code = 201 if loaded.outcome == "created" else 200
    response.headers["Location"] = f"/v1/plans/{loaded.plan_code}"
    return LoadedOut(
        outcome=loaded.outcome,
        code=loaded.plan_code,
        version=loaded.version,
        city_code=loaded.city_code,
    )


@router.get("/plans", responses={**answering("Plans"), **refusals(403)})
async def list_plans(actor: Reader, session: Reading) -> PlanListOut:
    """List the plans in the caller's scope."""
    found = await queries.visible_plans(session, actor)
    items = []
    for plan in found:
        with in_city(plan.city_code):
            state = await queries.plan_state(session, plan.city_code, plan.code)
        if state is not None:
            items.append(plan_out(state))
    return PlanListOut(items=items, next_page_token=None)


@router.get(
    "/plans/{plan}",
    responses={**answering("Plan", ETAG), **refusals(403, 404)},
    response_model=PlanDetailOut,
)
async def get_plan(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a plan with its document, periods and open questions."""
    del actor
    code = plan.document.supervision.calendar
    calendar = await working_calendar(session, plan.city_code, code)
    today = resources.clock.today(plan.document.time_zone)
    answered = await answered_periods(session, plan)
    body = plan_detail_out(plan, calendar, today, answered).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/indicators",
    responses={**answering("Indicators", ETAG), **refusals(403, 404)},
    response_model=IndicatorListOut,
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


def indicator_body(plan: PlanState, code: str) -> bytes:
    """Return an indicator as JSON.

    Raises:
        IndicatorNotFound: the plan has no indicator of this code.
    """
    return indicator_out(plan.indicators[indicator_in(plan, code)], plan).model_dump_json().encode()


@router.get(
    "/plans/{plan}/indicators/{code}",
    responses={**answering("Indicator", ETAG), **refusals(403, 404)},
    response_model=IndicatorOut,
)
async def get_indicator(
    actor: Reader, plan: PlanInScope, code: IndicatorCode, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one indicator."""
    del actor
    body = indicator_body(plan, code)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/tasks",
    responses={**answering("Tasks", ETAG), **refusals(403, 404)},
    response_model=TaskListOut,
)
async def list_tasks(
    actor: Reader,
    plan: PlanInScope,
    section: SectionQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List every task with its measures and their lead and responsible units."""
    del actor
    found = [
        task
        for task in plan.document.tasks
        if section is None or section in {task.section_number, task.section}
    ]
    if section is not None and not found:
        raise InvalidInput(faults=[unknown_section(plan, "/query/section", section)])
    listed = TaskListOut(items=[task_out(task, plan) for task in found], next_page_token=None)
    body = listed.model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/tasks/{number}",
    responses={**answering("Task", ETAG), **refusals(403, 404)},
    response_model=TaskOut,
)
async def get_task(
    actor: Reader,
    plan: PlanInScope,
    number: TaskNumber,
    section: SectionQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one task with its measures; where numbers begin anew, name the section."""
    del actor
    body = task_out(plan.task(number, section), plan).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)

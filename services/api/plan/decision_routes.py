"""Routes of decisions beside a plan: targets assigned by the superior, and open questions."""

from typing import Annotated

from fastapi import Depends, Path, Response
from pydantic_core import from_json

from services.api.answers import body_etag
from services.api.context import IfMatch, PlanInScope, ResourcesDep, Writing, check_match
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.plan.decision_schemas import AssignmentIn, AssignmentListOut, DecisionIn
from services.api.plan.parameters import AssignedCode, Assigner, Reader, Year
from services.api.plan.routes import indicator_body
from services.api.plan.schemas import AssignedOut, QuestionOut
from services.api.plan.views import assigned_out, question_out, settled_out
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan import assigning, queries, service
from services.core.plan.assigning import Assignment
from services.core.plan.document import Condition
from services.core.plan.errors import QuestionNotFound
from services.core.plan.service import QuestionDecision
from services.core.plan.state import PlanState

router = versioned_router("plans")

Settler = Annotated[Actor, Depends(permitted(Permission.SETTLE_QUESTION))]


async def _question_id(
    question_id: Annotated[
        str, Path(max_length=60, description="Id of an open question of the plan", examples=["T01"])
    ],
    plan: PlanInScope,
) -> str:
    _question(plan, question_id)
    return question_id


QuestionId = Annotated[str, Depends(_question_id)]


async def _fresh(session: Writing, plan: PlanState) -> PlanState:
    """Return the plan as this transaction sees it, for a change that checks its version."""
    found = await queries.plan_state(session, plan.city_code, plan.code)
    return found or plan


@router.get(
    "/plans/{plan}/indicators/{code}/targets/{year}",
    responses={**answering("Assignments"), **refusals(403, 404)},
)
async def list_assigned_targets(
    actor: Reader, plan: PlanInScope, code: AssignedCode, year: Year
) -> AssignmentListOut:
    """List every target assigned to an indicator for a year, oldest first; the last counts."""
    del actor
    assigned = plan.assigned.get((code, year), ())
    return AssignmentListOut(items=[assigned_out(row) for row in assigned], next_page_token=None)


@router.put(
    "/plans/{plan}/indicators/{code}/targets/{year}",
    responses={**answering("Assigned", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("Assignment"),
)
async def assign_target(
    body: AssignmentIn,
    actor: Assigner,
    plan: PlanInScope,
    code: AssignedCode,
    year: Year,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
    if_match: IfMatch = None,
) -> AssignedOut:
    """Record a target assigned by the superior; earlier ones of the year stay readable.

    The first of a year needs no `If-Match`; a later one names the indicator's ETag, and so
    does the answer: that of the indicator after the change.
    """
    fresh = await queries.plan_for_change(session, plan)
    current = indicator_body(fresh, code)
    assigned_before = bool(fresh.assigned.get((code, year)))
    check_match(if_match, body_etag(current), required=assigned_before, current=from_json(current))
    row = await assigning.assign_target(
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
            upper=body.upper,
            conditions=tuple(Condition(**each.model_dump()) for each in body.conditions),
        ),
        actor=actor.stamp(),
        now=resources.clock.now(),
    )
    resources.plans.changed(session, plan.code)
    response.headers["ETag"] = body_etag(indicator_body(await _fresh(session, plan), code))
    return assigned_out(row)


@router.post(
    "/plans/{plan}/open-questions/{question_id}/settle",
    responses={**answering("QuestionSettled", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("Decision"),
)
async def settle_open_question(
    body: DecisionIn,
    actor: Settler,
    plan: PlanInScope,
    question_id: QuestionId,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
    if_match: IfMatch = None,
) -> QuestionOut:
    """Record the decision on an open question; the printed text stays beside it."""
    if if_match is not None:
        current = _question(await queries.plan_for_change(session, plan), question_id)
        check_match(if_match, _etag(current), required=False, current=current)
    settled = await service.settle_question(
        session,
        plan=plan,
        question_id=question_id,
        decision=QuestionDecision(
            decision=body.decision,
            document_number=body.document_number,
            document_date=body.document_date,
        ),
        actor=actor.stamp(),
        now=resources.clock.now(),
    )
    resources.plans.changed(session, plan.code)
    answer = settled_out(question_id, settled, plan)
    response.headers["ETag"] = _etag(answer)
    return answer


def _question(plan: PlanState, question_id: str) -> QuestionOut:
    for question in plan.document.open_questions:
        if question.id == question_id:
            return question_out(question, plan)
    raise QuestionNotFound


def _etag(question: QuestionOut) -> str:
    return body_etag(question.model_dump_json().encode())

"""What the pages that people work on share: operations asked, forms read, files passed on."""

from typing import Any

from fastapi import Request, Response

from services.api.board.carrying_out import Call, carried_out
from services.api.board.forms import Form, form_of
from services.api.board.routing import problem_page, signed_in
from services.api.board.visitors import Visitor
from services.api.context import resources_of
from services.api.gateways.facade import Answered
from services.core.plan.state import PlanState

_OF_A_FILE = (b"content-type", b"content-disposition")


async def plan_shown(request: Request, visitor: Visitor, plan: str) -> PlanState:
    """Return the plan of a page.

    Raises:
        PlanNotFound: the visitor sees none of this code.
    """
    return await resources_of(request).plans.get(plan, visitor.actor)


async def answer_of(request: Request, visitor: Visitor, call: Call) -> Any:
    """Return what an operation answers; None: it is not for this visitor."""
    answer = await carried_out(request, visitor, call)
    return None if answer.is_refusal else answer.read()


async def sent_form(request: Request) -> tuple[Form, Visitor]:
    """Return the form that a visitor sent from a page of the own session, and the visitor."""
    visitor = await signed_in(request)
    return await form_of(request, visitor.mark), visitor


def passed_on(request: Request, answer: Answered) -> Response:
    """Return a file that an operation answered, or the page that tells why there is none."""
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    headers = {
        name.decode(): value.decode("latin-1")
        for name, value in answer.headers.items()
        if name in _OF_A_FILE
    }
    return Response(answer.body, headers=headers)

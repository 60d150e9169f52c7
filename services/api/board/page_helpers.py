"""Helpers of the interactive pages: calling operations, reading forms, passing on files."""

from typing import Any

from fastapi import Request, Response
from pydantic_core import from_json
from starlette.status import HTTP_200_OK, HTTP_400_BAD_REQUEST
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from services.api.board.forms import Form, form_of
from services.api.board.operation_calls import Call, carried_out, carried_out_to
from services.api.board.routing import problem_page, signed_in
from services.api.board.visitors import Visitor
from services.api.context import resources_of
from services.core.plan.state import PlanState

_OF_A_FILE = (b"content-type", b"content-disposition", b"content-length")


async def plan_shown(request: Request, visitor: Visitor, plan: str) -> PlanState:
    """Return the plan of a page.

    Raises:
        PlanNotFound: the visitor sees no plan of this code.
    """
    return await resources_of(request).plans.get(plan, visitor.actor)


async def answer_of(request: Request, visitor: Visitor, call: Call) -> Any:
    """Return an operation's answer; None: the visitor may not call it."""
    answer = await carried_out(request, visitor, call)
    return None if answer.is_refusal else answer.read()


async def sent_form(request: Request) -> tuple[Form, Visitor]:
    """Return the form that a visitor sent from a page of their own session, and the visitor."""
    visitor = await signed_in(request)
    return await form_of(request, visitor.mark), visitor


class FilePassedOn(Response):
    """A file that an operation streams, or an error page.

    It is never held as a whole: a year's evidence is larger than the memory of a process.
    """

    def __init__(self, request: Request, visitor: Visitor, call: Call) -> None:
        super().__init__()
        self._asked = request, visitor, call

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: list[bytes] = []
        status = HTTP_200_OK

        async def pass_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(name, value) for name, value in message["headers"] if name in _OF_A_FILE]
                message = {**message, "headers": own}
            if status < HTTP_400_BAD_REQUEST:
                await send(message)
            else:
                refused.append(message.get("body", b""))

        await carried_out_to(pass_on, *self._asked)
        if status >= HTTP_400_BAD_REQUEST:
            said = b"".join(refused)
            page = problem_page(self._asked[0], from_json(said) if said else {}, status)
            await page(scope, receive, send)

"""A request that met a change of the schema is carried out once more, and its caller never knows.

A statement that a connection prepared before the change may be refused after it. The refusal
undoes the transaction, of which a request has one, and prepares every statement anew.
"""

import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from starlette.types import Message, Receive

from services.core.kit.one_connection import has_committed
from services.core.kit.outage import cause_in_words, is_outdated
from services.core.kit.trail import forget_events

logger = logging.getLogger("wufei.api")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_MOST_TRIES = 3
"""A release may change the schema in more transactions than one while a request is under way."""


def tried_again(handle: Handler) -> Handler:
    """Return a route's handler that begins anew where the schema changed and nothing is written.

    What the request depends on ends with each try: its transaction too, before the answer leaves.
    """

    async def answer(request: Request) -> Response:
        heard = _Heard(request.receive)
        for _ in range(_MOST_TRIES - 1):
            try:
                return await _alone(handle, Request(request.scope, heard))
            except Exception as error:
                if has_committed() or not is_outdated(error):
                    raise
                logger.info(
                    "schema changed",
                    extra={
                        "request_id": request.scope.get("request_id"),
                        "cause": cause_in_words(error),
                        "next": "the request is carried out once more",
                    },
                )
            forget_events()
            heard.rewind()
        return await _alone(handle, Request(request.scope, heard))

    return answer


async def _alone(handle: Handler, request: Request) -> Response:
    """Carry out a request, and end whatever it depends on."""
    async with AsyncExitStack() as dependencies:
        # FastAPI looks here for where the ends of dependencies are to be noted.
        request.scope["fastapi_function_astack"] = dependencies
        return await handle(request)


class _Heard:
    """What has been received of a request; after `rewind` it is received again from the start."""

    __slots__ = ("_at", "_messages", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._at = 0

    async def __call__(self) -> Message:
        if self._at == len(self._messages):
            self._messages.append(await self._receive())
        self._at += 1
        return self._messages[self._at - 1]

    def rewind(self) -> None:
        """Begin again with what came first."""
        self._at = 0

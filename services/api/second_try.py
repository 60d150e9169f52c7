"""Retries a request that met a schema change, without its caller noticing.

A statement that a connection prepared before the change may be refused after it. The refusal
undoes the transaction, of which a request has one, and prepares every statement anew. Likewise a
read that failed on a replica, or that asks for a position it lacks, is made on the primary.
"""

import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from starlette.types import Message, Receive

from services.api.reading import POSITION, position_seen
from services.api.request_context import context_of
from services.core.events.errors import PositionBeyondLog
from services.core.kit.one_connection import has_committed
from services.core.kit.outage import cause_in_words, is_databases, is_outdated
from services.core.kit.replicas import Reads
from services.core.kit.trail import forget_events

logger = logging.getLogger("wufei.api")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_MOST_TRIES = 3
"""A release may change the schema in several transactions while a request is in flight."""


def tried_again(handle: Handler) -> Handler:
    """Return a route's handler that retries if the schema changed and nothing was written.

    A request's dependencies are closed with each try, its transaction too, before the response
    leaves.
    """

    async def answer(request: Request) -> Response:
        reads: Reads = request.app.state.resources.reads
        with reads.reading():
            try:
                response = await _tried(handle, request, reads)
            finally:
                # Also for refusals: after a 412 the caller must be able to read the current
                # version.
                seen = await position_seen(request)
            if seen is not None:
                response.headers[POSITION] = seen
            return response

    return answer


async def _tried(handle: Handler, request: Request, reads: Reads) -> Response:
    heard = _Heard(request)
    for _ in range(_MOST_TRIES - 1):
        try:
            return await _alone(handle, Request(request.scope, heard))
        except Exception as error:
            if has_committed():
                raise
            _judge(error, request, reads)
        forget_events()
        heard.rewind()
    return await _alone(handle, Request(request.scope, heard))


def _judge(error: Exception, request: Request, reads: Reads) -> None:
    """Log why a request is retried; re-raise the error if it is not."""
    request_id, cause = context_of(request).request_id, cause_in_words(error)
    if is_databases(error) and reads.falls_back(error):
        logger.warning(
            "replica failed",
            extra={
                "request_id": request_id,
                "cause": cause,
                "next": "the primary is read instead",
            },
        )
    elif isinstance(error, PositionBeyondLog) and reads.asks_primary():
        return  # the replica may only lag; the primary knows how long the log is
    elif is_outdated(error):
        logger.info(
            "schema changed",
            extra={
                "request_id": request_id,
                "cause": cause,
                "next": "the request is carried out once more",
            },
        )
    else:
        raise error


async def _alone(handle: Handler, request: Request) -> Response:
    """Run a request, and close its dependencies."""
    async with AsyncExitStack() as dependencies:
        # FastAPI registers the teardown of dependencies here.
        request.scope["fastapi_function_astack"] = dependencies
        return await handle(request)


class _Heard:
    """The received messages of a request; after `rewind` they are received again from the start.

    A streamed body is not buffered: its receiver remembers the result.
    """

    __slots__ = ("_at", "_context", "_messages", "_receive")

    def __init__(self, request: Request) -> None:
        self._receive: Receive = request.receive
        self._context = context_of(request)
        self._messages: list[Message] = []
        self._at = 0

    async def __call__(self) -> Message:
        if self._context.is_streamed:
            return await self._receive()
        if self._at == len(self._messages):
            self._messages.append(await self._receive())
        self._at += 1
        return self._messages[self._at - 1]

    def rewind(self) -> None:
        """Replay from the first message."""
        self._at = 0

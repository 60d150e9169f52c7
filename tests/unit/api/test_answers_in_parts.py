"""An answer that is streamed comes whole, also to who asks within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.types import Message

from services.api.gateways.facade import answered_by, answered_to, scope_of
from services.api.request_context import RequestContext, begin_context

PARTS = [bytes([number]) * 1000 for number in range(5)]


async def _parts() -> AsyncIterator[bytes]:
    for part in PARTS:
        await asyncio.sleep(0)
        yield part


async def get_parts() -> StreamingResponse:
    """Answer part by part."""
    return StreamingResponse(_parts(), headers={"content-length": "5000"})


ROUTE = APIRoute("/v1/parts", get_parts)


def _scope(stack: AsyncExitStack) -> Any:
    # As uvicorn says it: of this version, what streams listens for who goes away.
    asgi = {"version": "3.0", "spec_version": "2.3"}
    held = {"fastapi_middleware_astack": stack, "state": {}}
    outer = Request({"type": "http", "asgi": asgi, "path": "/board", "headers": [], **held})
    begin_context(outer.scope, RequestContext("r-1"))
    return scope_of(outer, "GET", "/v1/parts", {}, [])


async def test_a_streamed_answer_is_whole() -> None:
    async with AsyncExitStack() as stack:
        answer = await answered_by(ROUTE, _scope(stack), b"")
    assert answer.status == 200
    assert answer.body == b"".join(PARTS)


async def test_a_streamed_answer_comes_part_by_part() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async with AsyncExitStack() as stack:
        await answered_to(send, ROUTE, _scope(stack), b"")
    assert [one["body"] for one in sent[1:] if one["body"]] == PARTS

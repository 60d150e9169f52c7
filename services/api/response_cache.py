"""Caches the responses of hot GET routes as bytes until the log of their city moves on.

An entry belongs to one credential, with its scopes, and one address: no caller gets an answer made
for another credential, or for a token of the same one with more scopes. A cached answer counts
against the limits like any other. Its content depends on the log alone, and the log's generation
invalidates it; answers that depend on the request's language are not cached. With replicas nothing
is cached, because a replica's answer may be older than the log's generation.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from cachetools import TTLCache
from fastapi import Request, Response
from typing_extensions import override

from services.api.answers import json_answer
from services.api.log_listener import LogListener
from services.api.request_context import context_of
from services.api.routing import ExactRoute, admit
from services.api.security import authenticate
from services.core.identity.actor import Actor
from services.core.kit.clock import Clock
from services.core.kit.replicas import Reads

KEPT = timedelta(seconds=5)
_MOST_KEPT = 2000

Address = tuple[object, ...]


class ResponseCache:
    """Bodies with their ETags, by credential, its scopes, and address."""

    def __init__(self, watch: LogListener) -> None:
        self._watch = watch
        self._kept: TTLCache[Address, tuple[int, str, bytes], datetime] = TTLCache(
            _MOST_KEPT, ttl=KEPT, timer=Clock.true_now
        )
        self._turns: WeakValueDictionary[Address, asyncio.Lock] = WeakValueDictionary()

    def turn(self, address: Address) -> asyncio.Lock:
        """Return the lock to hold while making a body that many ask for at once."""
        return self._turns.setdefault(address, asyncio.Lock())

    def generation(self, actor: Actor) -> int | None:
        """Return the generation to note before a body is made; None: cache nothing."""
        return None if actor.every_city else self._watch.generation(actor.city_code)

    def get(self, address: Address, generation: int | None) -> tuple[str, bytes] | None:
        """Return ETag and body if the log has not moved on since they were made."""
        kept = self._kept.get(address)
        return None if kept is None or kept[0] != generation else kept[1:]

    def put(self, address: Address, generation: int | None, etag: str, body: bytes) -> None:
        """Cache a body that was made after `generation` was noted."""
        if generation is not None:
            self._kept[address] = (generation, etag, body)


class CachedRoute(ExactRoute):
    """A route whose complete responses are cached."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            if context_of(request).form is not None:  # only JSON is cached
                return await handle(request)
            actor = await authenticate(request)
            await admit(request, actor.credential_id, self.sort)
            answers: ResponseCache = request.app.state.resources.answers
            reads: Reads = request.app.state.resources.reads
            generation = None if reads.replicas else answers.generation(actor)
            scope = request.scope
            address = (actor.credential_id, actor.sight, scope["path"], scope["query_string"])
            kept = None if generation is None else answers.get(address, generation)
            if kept is not None:
                etag, body = kept
                again = json_answer(
                    body, etag=etag, if_none_match=request.headers.get("if-none-match")
                )
                again.headers.add_vary_header("Accept")
                return again
            response = await handle(request)
            if _whole(response) and "content-language" not in response.headers:
                answers.put(address, generation, response.headers["etag"], bytes(response.body))
            return response

        return answer


def _whole(response: Response) -> bool:
    """Return whether a response has a body to cache; a 304 has none."""
    return response.status_code == 200  # noqa: PLR2004

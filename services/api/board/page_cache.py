"""Caches pages as bytes until the log of their city moves on, shared by readers of equal scope.

A page depends on its reader's scope and not on who the reader is. Only the form token belongs to
one session; it is filled in as the page is answered.
"""

import secrets
from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from services.api.answers import body_etag, etags
from services.api.board.forms import form_token
from services.api.board.routing import html
from services.api.board.visitors import Visitor
from services.api.context import resources_of
from services.core.kit.text import Language

TOKEN_PLACE = secrets.token_urlsafe(24)
"""Placeholder for the form token in a cached page; no user text can contain it."""


class Kept:
    """A cacheable page: for one set of scopes, one address and one language.

    Without a visitor it is for everybody. With replicas nothing is cached, because a replica's
    answer may be older than the log.
    """

    def __init__(
        self, request: Request, visitor: Visitor | None, language: Language, city_code: str
    ) -> None:
        resources, scope = resources_of(request), request.scope
        self._request = request
        self._answers = resources.answers
        sight = None if visitor is None else (visitor.actor.sight, visitor.is_signed_in)
        self._address = ("board", sight, scope["path"], scope["query_string"], language)
        self._watch = None if resources.reads.replicas else resources.watch
        self._city_code = city_code
        self._mark = visitor.mark if visitor is not None and visitor.is_signed_in else None

    async def answer(self, make: Callable[[], Awaitable[bytes]]) -> Response:
        """Return the page, calling `make` if it is not cached.

        Of many concurrent requests one makes it; the others wait, and hold no connection.
        """
        if (kept := self._again()) is not None:
            return self._answered(*kept)
        if self._generation() is None:
            body = await make()
            return self._answered(body_etag(body), body)
        async with self._answers.turn(self._address):
            if (kept := self._again()) is None:
                generation = self._generation()  # noted before the read
                body = await make()
                kept = body_etag(body), body
                self._answers.put(self._address, generation, *kept)
        return self._answered(*kept)

    def _generation(self) -> int | None:
        return None if self._watch is None else self._watch.generation(self._city_code)

    def _again(self) -> tuple[str, bytes] | None:
        generation = self._generation()
        return None if generation is None else self._answers.get(self._address, generation)

    def _answered(self, etag: str, body: bytes) -> Response:
        if self._mark is not None:
            etag = body_etag(f"{etag} {self._mark}".encode())
        had = self._request.headers.get("if-none-match")
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if had is not None and not etags(had).isdisjoint({etag, "*"}):
            return html(self._request, b"", headers, status=304)
        if self._mark is not None:
            token = form_token(self._request, self._mark)
            body = body.replace(TOKEN_PLACE.encode(), token.encode())
        return html(self._request, body, headers)

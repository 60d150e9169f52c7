"""Answers lists as CSV and XLSX by reading the pages of their JSON one after the other.

The rows are read from the JSON, so they have the same filters, the same scope and the same
refusals. Each page is a request of its own to the list, so that a revoked key ends an export within
a page, and no connection is held while a caller takes its time.
"""

import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.types import Message, Send
from typing_extensions import override

from services.api.answers import etags
from services.api.exports.columns import Shape, Table, shape_of
from services.api.exports.writing import WRITERS, Writer
from services.api.problems import DATABASE_ERRORS, language_of
from services.api.request_context import context_of
from services.api.table_forms import Form
from services.core.kit.errors import DomainError
from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.api")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

PAGE = 500
"""Rows read at a time: the largest page of a list."""

_OK = 200
_OF_JSON = {"content-length", "content-type", "etag", "link", "vary", "content-language"}
_REFUSED: tuple[type[Exception], ...] = (DomainError, *DATABASE_ERRORS)
_VARY = "Authorization, Accept, Accept-Language"

# Writing is CPU work: in a thread, so that the event loop serves others, and one at a time, so that
# many exports take no more CPU than one.
_one_at_a_time = CapacityLimiter(1)


_STACK, _SCOPES = "fastapi_inner_astack", "fastapi_async_cleanup_scopes"
"""Where FastAPI stores a request's open dependencies, by the task that is to close them."""


class FileStream(StreamingResponse):
    """A streamed file; an interrupted one is never taken for whole: its last chunk is not sent."""

    broken_off = False

    @override
    async def stream_response(self, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": _OK, "headers": headers})
        async for piece in self.body_iterator:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not self.broken_off:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass(frozen=True, slots=True)
class _Turning:
    """How a list is paged: its parameters, and the members of its answer that feed them."""

    length: str
    place: str
    follows: str
    """The member that holds the next value of `place`."""
    most: int

    def next(self, page: dict[str, Any]) -> str | None:
        """Return the place of the next page; None: this is the last."""
        if page.get("has_more") is False:
            return None
        found = page.get(self.follows)
        return None if found is None else str(found)


_BY_TOKEN = _Turning("page_size", "page_token", "next_page_token", PAGE)
_BY_POSITION = _Turning("limit", "after", "last_position", 2 * PAGE)


@dataclass(frozen=True, slots=True)
class Export:
    """The properties of a list that exporting it as a table needs."""

    shape: Shape
    turning: _Turning | None
    """None: its answer is always complete."""

    @classmethod
    def of(cls, route: APIRoute) -> "Export | None":
        """Return the export of a route's answer; None: it is not a list."""
        model = route.response_model
        if "GET" not in (route.methods or ()) or not isinstance(model, type):
            return None
        shape = shape_of(model)
        if shape is None:
            return None
        taken = set(_query_names(route.dependant))
        turning = next(
            (one for one in (_BY_TOKEN, _BY_POSITION) if {one.length, one.place} <= taken), None
        )
        return cls(shape, turning)

    def served(self, handle: Handler) -> Handler:
        """Return a route's handler that answers in the requested format."""

        async def answer(request: Request) -> Response:
            form = context_of(request).form
            if form is None:
                response = await handle(request)
                response.headers.add_vary_header("Accept")
                return response
            return await _Answer(self, form, request, handle).first()

        return answer


class _Answer:
    """The answer to one request."""

    def __init__(self, export: Export, form: Form, request: Request, handle: Handler) -> None:
        self._export = export
        self._form = form
        self._request = request
        self._handle = handle
        self._language = language_of(request)
        self._asked = parse_qsl(
            # A blank parameter is passed on to be refused; dropping it would export the whole list.
            request.scope["query_string"].decode("latin-1"),
            keep_blank_values=True,
        )
        given = {name for name, _ in self._asked}
        turning = export.turning
        # A request for a page gets that page, as in JSON; otherwise all of them.
        self._whole = turning is None or given.isdisjoint({turning.length, "page_token"})

    async def first(self) -> Response:
        """Return the answer, once its first page was read: refusals come from that."""
        page = await self._page(self._request.receive)
        if page.status_code != _OK:
            return page
        headers = {name: value for name, value in page.headers.items() if name not in _OF_JSON} | {
            "Vary": _VARY,
            "Content-Language": self._language,
            "Content-Disposition": f'attachment; filename="{self._filename()}"',
        }
        etag = self._etag(page)
        if etag is not None:
            headers["ETag"] = etag
            known = self._request.headers.get("if-none-match")
            if known is not None and not etags(known).isdisjoint({etag, "*"}):
                return Response(status_code=304, headers=headers)
        body = from_json(bytes(page.body))
        following = self._following(body)
        if following is not None and not self._whole:
            headers["Link"] = f'<{self._address(following)}>; rel="next"'
        pieces = _nothing_of_it() if context_of(self._request).is_head else self._pieces(body)
        stream = self._stream = FileStream(pieces, headers=headers, media_type=self._form.value)
        return stream

    async def _pieces(self, page: dict[str, Any]) -> AsyncIterator[bytes]:
        """Yield the file; if a page cannot be read it ends early, and the log says why."""
        with closing(WRITERS[self._form](self._language)) as writer:
            shape, head = self._export.shape, page
            yield await _aside(partial(_write_rows, writer, shape.tables[0], page, first=True))
            while self._whole and (following := self._following(page)) is not None:
                try:
                    answer = await self._page(_nothing, following)
                except _REFUSED as error:
                    self._break_off(error)
                    return
                page = from_json(bytes(answer.body))
                yield await _aside(partial(_write_rows, writer, shape.tables[0], page))
            yield await _aside(partial(_write_rest, writer, shape, head))

    def _break_off(self, error: Exception) -> None:
        self._stream.broken_off = True
        logger.warning(
            "export broken off",
            extra={
                "request_id": context_of(self._request).request_id,
                "cause": cause_in_words(error),
                "next": "the answer ends early; the caller may ask again",
            },
        )

    async def _page(
        self, receive: Callable[[], Awaitable[Message]], place: str | None = None
    ) -> Response:
        """Return a page of the list as JSON, with the caller's credential.

        Its dependencies are opened and closed within it: pages are read in the task that sends the
        file, which cannot close dependencies that another task opened.
        """
        scope = self._request.scope
        asked = self._query(place)
        headers = [one for one in scope["headers"] if one[0] != b"if-none-match"]
        own = {"query_string": urlencode(asked).encode(), "headers": headers, _SCOPES: {}}
        page = Request({**scope, **own}, receive)
        async with AsyncExitStack() as page.scope[_STACK]:
            return await self._handle(page)

    def _query(self, place: str | None) -> list[tuple[str, str]]:
        turning = self._export.turning
        if turning is None or not self._whole:
            return self._asked
        changed = {turning.length: str(turning.most)}
        if place is not None:
            changed[turning.place] = place
        return [one for one in self._asked if one[0] not in changed] + list(changed.items())

    def _following(self, page: dict[str, Any]) -> str | None:
        return None if self._export.turning is None else self._export.turning.next(page)

    def _etag(self, page: Response) -> str | None:
        """Return the ETag of a whole answer: of its JSON, the format and the headings."""
        tag = page.headers.get("etag")
        if tag is None:
            return None
        said = [heading for table in self._tables() for heading in table.headings(self._language)]
        digest = hashlib.sha256("\n".join([self._form.name, *said]).encode()).hexdigest()[:8]
        return f'{tag.removesuffix(chr(34))}.{digest}"'

    def _tables(self) -> Sequence[Table]:
        return [*self._export.shape.tables, self._export.shape.head]

    def _address(self, following: str) -> str:
        """Return the address of the next page in the same format."""
        turning = self._export.turning
        path, suffix = self._request.scope["path"], context_of(self._request).suffix
        name = turning.place if turning else ""
        rest = [one for one in self._asked if one[0] != name]
        return f"{path}{suffix}?{urlencode([*rest, (name, following)])}"

    def _filename(self) -> str:
        parts = self._request.scope["path"].partition("/v1/")[2].split("/")
        return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(parts)) + self._form.suffix


def _write_rows(
    writer: Writer, table: Table, page: dict[str, Any], *, first: bool = False
) -> bytes:
    if first:
        writer.begin(table)
    writer.write(page[table.member])
    return writer.taken()


def _write_rest(writer: Writer, shape: Shape, head: dict[str, Any]) -> bytes:
    """Write the other tables of an answer, and the members beside its rows."""
    if writer.holds_many:
        others = [(table, head[table.member]) for table in shape.tables[1:]]
        if shape.head.columns:
            others.append((shape.head, [head]))
        for table, rows in others:
            writer.begin(table)
            writer.write(rows)
    writer.end()
    return writer.taken()


async def _aside(work: Callable[[], bytes]) -> bytes:
    return await run_sync(work, limiter=_one_at_a_time)


async def _nothing_of_it() -> AsyncIterator[bytes]:
    yield b""


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _query_names(dependant: Any) -> Iterable[str]:
    for field in dependant.query_params:
        yield field.alias
    for one in dependant.dependencies:
        yield from _query_names(one)

"""uvicorn's HTTP/1.1 protocol with bounded heads, and ignoring `Upgrade` offers we do not take.

A message refused here never becomes a request, and is answered like every other refusal.

An offer to speak another protocol (`Upgrade: h2c`, `websocket`) makes the parser give up the
rest of the connection, and with it the body. Such a request is parsed again without its offer,
as RFC 9110 section 7.8 allows a server that does not accept it; other requests cost nothing more.
"""

from collections.abc import Sequence

import httptools
from pydantic_core import to_json
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from services.api.browsers import RAW_HEAD
from services.api.problems import HTTP_PROBLEMS, MEDIA_TYPE, Problem, preferred_language
from services.core.kit.ids import new_id
from services.core.kit.text import Text

MAX_HEAD_BYTES = 64 * 1024
"""Most bytes of a request's target, headers and trailers together."""

_MALFORMED = 400
_TOO_LARGE = 431
_REASONS = {_MALFORMED: "Bad Request", _TOO_LARGE: "Request Header Fields Too Large"}
_DISCARDED_BYTES = 128 * 1024 * 1024
_DISCARDED_SECONDS = 10.0
_OFFER = {b"upgrade", b"http2-settings"}


class HttpProtocol(HttpToolsProtocol):
    """A client's connection; the bound on heads holds for unfinished ones too."""

    _offered = False
    """Whether the head just parsed offers another protocol."""

    _head_read = False
    """Whether all headers of the current message have come."""

    _read: Sequence[tuple[bytes, bytes]] = ()
    """Headers of the current message that have come."""

    _unfinished = 0
    """Bytes received since the parser last finished a head, a body chunk or a message."""

    _finished = False
    """Whether the parser finished one of them with the last bytes."""

    _refused = False
    _discarded = 0

    @override
    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        self._unfinished += len(data)
        self._finished = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._refused:
                self._refuse(_MALFORMED)
            return
        if self._finished:
            self._unfinished = 0
        elif self._unfinished > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            method = self.parser.get_method()
            if method == b"CONNECT":  # no further request could follow it
                raise httptools.HttpParserError from None
            rest = data[offer.args[0] :]
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self.parser.feed_data(head)
            if rest:
                self._feed(rest)

    def _head_without_offer(self) -> bytes:
        """Return the head just parsed without its `Upgrade` offer."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self._version())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [one for one in value.split(b",") if one.strip().lower() not in _OFFER]
                lines += [b"connection: " + b",".join(kept)] if kept else []
            elif name not in _OFFER:
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def _version(self) -> bytes:
        return self.parser.get_http_version().encode()

    @override
    def on_message_begin(self) -> None:
        self._head_read = False
        super().on_message_begin()
        self._read = self.headers

    @override
    def on_headers_complete(self) -> None:
        self._finished = self._head_read = True
        if self._unfinished > MAX_HEAD_BYTES:
            self._check_length(self.headers)
        self._offered = self.parser.should_upgrade()
        if not self._offered:
            super().on_headers_complete()
            # Trailers are discarded: they must not be added to the headers that were already
            # checked.
            self.headers = []

    def _check_length(self, *headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Refuse a message whose target and headers are too long, however they were split."""
        said = sum(len(name) + len(value) + 4 for each in headers for name, value in each)
        if len(self.url) + said > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
            raise httptools.HttpParserError

    @override
    def on_body(self, body: bytes) -> None:
        self._finished = True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._finished = True
        if not self._offered:
            if self.headers:  # trailers, because the headers were moved away before
                self._check_length(self._read, self.headers)
            super().on_message_complete()

    def _refuse(self, status: int) -> None:
        """Answer with `status` and read nothing more of this client."""
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # The response to the previous request is sent first, and the connection is closed
                # after it.
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self.transport.write(self._answer(status))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_DISCARDED_SECONDS, self.transport.close)

    def _discard(self, data: bytes) -> None:
        """Discard what is still sent, within bounds: a sending client cannot read an answer."""
        self._discarded += len(data)
        if self._discarded > _DISCARDED_BYTES:
            self.transport.close()

    def _answer(self, status: int) -> bytes:
        """Return a refusal in the requested language; in both if that header may yet come."""
        code, title = HTTP_PROBLEMS[status]
        accepted = self._accepted_languages()
        language = preferred_language(accepted or "")
        told = "zh-CN, en" if accepted is None else language
        if accepted is None:
            both = f"{title.zh} / {title.en}"
            title = Text(both, both)
        request_id = str(new_id())
        body = to_json(Problem(status, code, title).body(language, request_id))
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-language: {told}\r\n"
            f"cache-control: no-store\r\nx-request-id: {request_id}\r\n{RAW_HEAD}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        return head.encode() + body

    def _accepted_languages(self) -> str | None:
        """Return the value of `Accept-Language`; None if the headers so far do not tell."""
        named = [value for name, value in self._read if name == b"accept-language"]
        if not named and not self._head_read:
            return None
        return b",".join(named).decode("latin-1")

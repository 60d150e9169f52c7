"""Sends one message and returns the outcome; it never raises, whatever the receiver does."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import (
    ClientConnectionError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    InvalidURL,
)
from aiohttp.connector import Connection
from typing_extensions import override
from yarl import URL

from services.core.webhooks.sending import Message, Outcome, OutcomeKind, answer_head
from services.outgoing.guard import AddressRefused, Lookup, guarded_session
from services.outgoing.own_servers import OwnServers

_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)


@dataclass(slots=True)
class _Sending:
    """One attempt: when it began, and when its first byte left, by `perf_counter`."""

    began: float
    sent: float | None = None

    @property
    def sent_seconds(self) -> float | None:
        return None if self.sent is None else self.sent - self.began


_present: ContextVar[_Sending | None] = ContextVar("sending", default=None)


class NotedRequest(ClientRequest):
    """A request that notes when it is written to an open connection."""

    @override
    async def send(self, conn: Connection) -> ClientResponse:
        sending = _present.get()
        if sending is not None:
            sending.sent = time.perf_counter()
        return await super().send(conn)


class Sender:
    """Sends messages, each within `seconds` from the first DNS look-up to the last byte."""

    def __init__(self, sessions: Mapping[str, ClientSession], seconds: float) -> None:
        self._sessions = sessions
        self._seconds = seconds

    async def send(self, message: Message) -> Outcome:
        """Send a message once and return the outcome."""
        sending = _Sending(time.perf_counter())
        token = _present.set(sending)
        try:
            async with asyncio.timeout(self._seconds):
                outcome = await self._post(message, sending.began)
        except TimeoutError:
            reason = f"no complete answer within {self._seconds:g} s"
            outcome = Outcome("timeout", _since(sending.began), said=reason)
        except (ClientError, OSError, RuntimeError, ValueError) as error:
            kind, reason = _failure(error, secure=message.url.startswith("https:"))
            outcome = Outcome(kind, _since(sending.began), said=reason)
        finally:
            _present.reset(token)
        return replace(outcome, sent_seconds=sending.sent_seconds)

    async def _post(self, message: Message, began: float) -> Outcome:
        # The URL was parsed and validated at registration: send it exactly as it was written.
        url = URL(message.url, encoded=True)
        async with self._sessions[url.scheme].post(
            url, data=message.body, headers=message.headers, allow_redirects=False
        ) as response:
            body, cut = await _beginning(response, message.most_read)
            reason = (response.reason or "").encode("utf-8", "surrogateescape")
            return Outcome(
                _kind(response.status),
                _since(began),
                status_code=response.status,
                said=answer_head(response.status, reason, response.raw_headers, body, cut=cut),
                retry_after=response.headers.get("Retry-After"),
                body=body,
            )


@asynccontextmanager
async def open_sender(
    servers: OwnServers, *, lookup: Lookup, seconds: float, ca_file: Path | None = None
) -> AsyncIterator[Sender]:
    """Yield a sender on two guarded sessions: one for https, and one for http."""
    async with (
        guarded_session(
            servers.refusal(secure=True), lookup=lookup, ca_file=ca_file, request_class=NotedRequest
        ) as secure,
        guarded_session(
            servers.refusal(secure=False),
            lookup=lookup,
            ca_file=ca_file,
            request_class=NotedRequest,
        ) as plain,
    ):
        yield Sender({"https": secure, "http": plain}, seconds)


async def _beginning(response: ClientResponse, most: int) -> tuple[bytes, bool]:
    """Return the first `most` bytes of a body, and whether there are more, which stay unread."""
    kept = bytearray()
    async for piece in response.content.iter_any():
        kept += piece
        if len(kept) > most:
            return bytes(kept[:most]), True
    return bytes(kept), False


def _kind(status: int) -> OutcomeKind:
    if status in _SUCCESS:
        return "delivered"
    return "redirect" if status in _REDIRECT else "status"


def _failure(error: Exception, *, secure: bool) -> tuple[OutcomeKind, str]:
    """Return the kind of a failure, and the reason, in one line without an address in it."""
    match error:
        case ClientPayloadError():
            return "disconnected", "the answer broke off in its body"
        case ClientResponseError():
            return _unreadable(error)
        case InvalidURL():
            return "blocked_address", "the address is not written as one"
        case ClientConnectorError() | ClientSSLError():
            return _unconnected(error, secure=secure)
        case ClientConnectionError():
            return "disconnected", f"the connection broke before an answer: {_short(error)}"
        case _:
            return "connect", f"no connection: {_short(error)}"


def _unconnected(error: ClientConnectorError, *, secure: bool) -> tuple[OutcomeKind, str]:
    cause = error.os_error
    match error:
        case _ if isinstance(cause, AddressRefused):
            return "blocked_address", f"the address is not allowed: {cause.strerror}"
        case ClientConnectorDNSError():
            return "dns", f"the name cannot be resolved: {_short(cause)}"
        case ClientSSLError():
            reason = getattr(cause, "verify_message", None) or _short(cause)
            return "tls", f"no trusted connection: {reason}"
        case _ if secure and _in_handshake(cause):
            return "tls", "no trusted connection: the other end broke off the handshake"
        case _:
            return "connect", f"no connection: {_short(cause)}"


def _in_handshake(error: OSError) -> bool:
    """Return whether a connection was made and broke during the TLS handshake."""
    return isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)


def _unreadable(error: ClientResponseError) -> tuple[OutcomeKind, str]:
    large = "Too many headers" in error.message or "Got more than" in error.message
    if large:
        return "too_large", "the answer's headers are larger than is read"
    return "protocol", "the answer is not HTTP"


def _short(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)

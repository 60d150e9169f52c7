"""Sends small requests to other parties' servers through the guarded HTTP client.

The client opens with the first request, because most installations never send one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientError, ClientSession
from yarl import URL

from services.core.people.errors import SignInBusy
from services.core.people.provider_calls import AppAnswer, AppCall, NoAnswer
from services.core.webhooks.addresses import AddressPolicy, TargetUrl, check_url
from services.outgoing.guard import guarded_session, system_lookup
from services.outgoing.own_servers import OwnServers

MOST_BYTES = 64 * 1024
MOST_AT_ONCE = 50
SECONDS = 5.0
_RETRY_AFTER_SECONDS = 3
_REDIRECTS = range(300, 400)


class Asker:
    """Sends requests to checked addresses, follows no redirect, and reads at most 64 KiB.

    Each takes at most `seconds` from the first DNS look-up to the last byte; beyond 50 at once,
    callers are told to retry later.
    """

    def __init__(
        self, policy: AddressPolicy, *, ca_file: Path | None = None, seconds: float = SECONDS
    ) -> None:
        self._policy = policy
        self._ca_file = ca_file
        self._seconds = seconds
        self._held = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._sessions: dict[bool, ClientSession] = {}
        self._finding: asyncio.Task[None] | None = None
        self._under_way = 0

    async def ask(self, call: AppCall) -> AppAnswer:
        """Send a request and return its answer.

        Raises:
            NoAnswer: the address is not allowed, or no answer arrived in time and within the size.
            SignInBusy: the limit of concurrent requests is reached.
        """
        target = check_url(call.url.partition("?")[0], self._policy)
        if not isinstance(target, TargetUrl):
            raise NoAnswer(f"the address is not allowed: {target}")
        if self._under_way >= MOST_AT_ONCE:
            raise SignInBusy(extra={"retry_after": _RETRY_AFTER_SECONDS})
        self._under_way += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await self._send(call, await self._session(secure=target.secure))
        except TimeoutError:
            raise NoAnswer(f"no complete answer within {self._seconds:g} s") from None
        except (ClientError, OSError, ValueError) as error:
            raise NoAnswer(f"no answer: {type(error).__name__}") from None
        finally:
            self._under_way -= 1

    async def _send(self, call: AppCall, session: ClientSession) -> AppAnswer:
        async with session.request(
            call.method,
            URL(call.url, encoded=True),
            data=call.body or None,
            headers={"User-Agent": "wufei", **call.headers},
            allow_redirects=False,
        ) as response:
            if response.status in _REDIRECTS:
                raise NoAnswer("a redirect, which is not followed")
            return AppAnswer(response.status, await _bounded(response.content.iter_any()))

    async def _session(self, *, secure: bool) -> ClientSession:
        if not self._sessions:
            async with self._opening:
                if not self._sessions:
                    await self._open()
        return self._sessions[secure]

    async def _open(self) -> None:
        lookup = await self._held.enter_async_context(system_lookup())
        servers = OwnServers(self._policy, lookup)
        await servers.find()
        self._finding = asyncio.create_task(servers.keep_finding())
        self._sessions = {
            secure: await self._held.enter_async_context(
                guarded_session(
                    servers.refusal(secure=secure), lookup=lookup, ca_file=self._ca_file
                )
            )
            for secure in (True, False)
        }

    async def close(self) -> None:
        """Close the HTTP client."""
        if self._finding is not None:
            self._finding.cancel()
        await self._held.aclose()


async def _bounded(pieces: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise NoAnswer(f"longer than {MOST_BYTES} bytes")
    return bytes(body)

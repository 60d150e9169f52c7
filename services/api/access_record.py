"""Audits requests that change nothing: refusals, uses of keys, tokens issued, files read.

Events are counted in bounded memory and written every 30 seconds by the process itself, so no
request waits for them and none has them in its transaction. A killed process loses what it has not
written: refusals and files of at most half a minute. A process that is told to end writes first.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Message, Scope

from services.api.request_context import context_of
from services.core.audit.access import AccessTally, Caller, Entries, by_city
from services.core.audit.service import note_many
from services.core.identity.actor import Actor, system
from services.core.identity.networks import network_shown
from services.core.identity.queries import city_codes
from services.core.identity.rules import city_of_plan
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.api")

_REFUSALS = frozenset({401, 403, 429})
_WRITTEN_EVERY_SECONDS = 30
_LAST_WITHIN_SECONDS = 1.0
_MOST_UNWRITTEN = 5_000
_LONGEST_PATH = 300
_ATTACHED = (b"content-disposition", b"attachment")


class AccessRecord:
    """Collects requests in memory and writes those that the audit records."""

    def __init__(self, true_now: Callable[[], datetime]) -> None:
        self._true_now = true_now
        self._tally = AccessTally(system("api"))
        self._unwritten: Entries = {}

    def used(self, actor: Actor, address: str | None) -> None:
        """Note that a key was used from an address; nearly always this is one dict look-up."""
        now = self._true_now()
        if self._tally.is_new_use(actor.credential_id, address, now):
            self._tally.used(_known(actor, address), now, network_shown(address))

    def issued(
        self, actor: Actor, address: str | None, *, scopes: Iterable[str], life: int
    ) -> None:
        """Note that a token was issued for a key, valid for `life` seconds."""
        self._tally.issued(
            _known(actor, address), self._true_now(), scopes=sorted(scopes), seconds=life
        )

    def answered(self, scope: Scope, message: Message) -> None:
        """Note how a request is answered, when its answer begins."""
        context = context_of(scope)
        status = context.status or message["status"]
        if status in _REFUSALS or context.problem is not None:
            self._refused(scope, status)
        elif status == 200 and _is_attached(message["headers"]):  # noqa: PLR2004 (OK)
            form = next(
                (value.decode("latin-1") for name, value in message["headers"]
                 if name == b"content-type"), ""
            )  # fmt: skip
            self._tally.taken_out(
                _caller(scope), self._true_now(), path=scope["path"][:_LONGEST_PATH], form=form
            )

    def _refused(self, scope: Scope, status: int) -> None:
        code = context_of(scope).problem or ""
        if status not in _REFUSALS and code != "unauthorized_client":
            return
        path = getattr(scope.get("route"), "path", "no route")
        self._tally.refused(_caller(scope), self._true_now(), status=status, code=code, path=path)

    async def run(self, database: Database) -> None:
        """Write the collected entries every 30 seconds, for ever."""
        while True:
            await asyncio.sleep(_WRITTEN_EVERY_SECONDS)
            await self.write(database)

    async def write_last(self, database: Database) -> None:
        """Write everything before the process ends; give up if that takes long."""
        try:
            async with asyncio.timeout(_LAST_WITHIN_SECONDS):
                await self.write(database, everything=True)
        except TimeoutError:
            logger.warning(
                "access not recorded", extra={"cause": "it took too long", "next": _LOST}
            )

    async def write(self, database: Database, *, everything: bool = False) -> None:
        """Write the collected entries; failed ones are kept for the next time, up to a bound."""
        left = _joined(self._unwritten, self._tally.take(self._true_now(), everything=everything))
        self._unwritten = {}
        if not any(left.values()):
            return
        try:
            async with database.sessions() as session:
                cities = await city_codes(session)
            placed = by_city(left, cities)
            left.clear()
            for city_code, entries in placed.items():
                left[city_code] = entries
            for city_code, entries in placed.items():
                with in_city(city_code):
                    async with database.transaction() as session:
                        await note_many(session, city_code, entries)
                left[city_code] = []
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            number = sum(map(len, left.values()))
            if number <= _MOST_UNWRITTEN and not everything:
                self._unwritten, then = left, "kept for the next time"
            else:
                then = _LOST
            logger.warning(
                "access not recorded",
                extra={"cause": cause_in_words(error), "entries": number, "next": then},
            )


_LOST = "these entries of the audit are lost; what follows is recorded"


def _joined(some: Entries, more: Entries) -> Entries:
    return {key: [*some.get(key, []), *more.get(key, [])] for key in {*some, *more}}


def _is_attached(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    name, begins = _ATTACHED
    return any(one == name and value.startswith(begins) for one, value in headers)


def _known(actor: Actor, address: str | None) -> Caller:
    return Caller(actor.city_code, actor.credential_id, address, actor.stamp())


def _caller(scope: Scope) -> Caller:
    """Return the sender of a request: the credential that was found, or the address."""
    client = scope.get("client")
    address = None if client is None else str(client[0])
    context = context_of(scope)
    actor = context.actor or context.maker
    if actor is not None:
        return _known(actor, address)
    return Caller(_claimed_city(scope), None, address, system("api"))


def _claimed_city(scope: Scope) -> str | None:
    """Return the city that a request names, by its path or its credential; it may not exist."""
    parameters: Mapping[str, Any] = scope.get("path_params") or {}
    if isinstance(plan := parameters.get("plan"), str):
        return city_of_plan(plan)
    for name, value in scope["headers"]:
        if name == b"authorization":
            parts = value[:200].decode("latin-1").split("_")
            return parts[1] if len(parts) > 1 else None
    return None

"""Maintains the keys of tokens: rotates our signing keys, and fetches foreign issuers' keys."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta

from services.core.identity.actor import system
from services.core.identity.issuer_keys import keep_issuer_keys, note_failure
from services.core.identity.issuers import Issuer, published_keys
from services.core.identity.queries import issuer_keys
from services.core.identity.token_keys import keep_signing_keys
from services.core.kit.clock import Clock, is_recent
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words, is_away
from services.core.kit.sealing import Seal
from services.worker.fetching import CannotFetch, Fetch
from services.worker.interruption import traceback_of

logger = logging.getLogger("wufei.worker")

_EVERY_SECONDS = 60.0
_FETCHED_EVERY = timedelta(minutes=5)


class TokenUpkeep:
    """Maintains the keys once a minute; several workers may do so at once.

    `fetch` reads what a foreign issuer publishes; None: no issuer is configured.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        seal: Seal | None,
        issuers: Mapping[str, Issuer],
        fetch: Fetch | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._issuers = issuers
        self._fetch = fetch

    async def run(self) -> None:
        """Maintain the keys forever."""
        while True:
            await self.look_after()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look_after(self) -> None:
        """Do what is due; a fault in one task does not stop the other."""
        if self._seal is not None:
            await self._guarded(self._keep_signing_keys(self._seal))
        if self._fetch is not None:
            await self._guarded(self._fetch_issuers(self._fetch))

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            logger.warning(
                "token keys not kept",
                extra={
                    "cause": cause_in_words(error),
                    "next": "retrying in a minute; the present keys are good meanwhile",
                },
                exc_info=None if is_away(error) else traceback_of(error),
            )

    async def _keep_signing_keys(self, seal: Seal) -> None:
        now = self._clock.true_now()
        async with self._database.transaction() as session:
            changed = await keep_signing_keys(session, seal=seal, actor=system("worker"), now=now)
        if changed:
            logger.info("token keys kept")

    async def _fetch_issuers(self, fetch: Fetch) -> None:
        async with self._database.sessions() as session:
            tried = {one.issuer: one.tried_at for one in await issuer_keys(session)}
        now = self._clock.true_now()
        for issuer in self._issuers.values():
            last = tried.get(issuer.issuer)
            if not is_recent(last, now, _FETCHED_EVERY):
                await self._fetch_keys(fetch, issuer, now)

    async def _fetch_keys(self, fetch: Fetch, issuer: Issuer, now: datetime) -> None:
        try:
            keys = published_keys(json.loads(await fetch(issuer.jwks_url)))
            fault = None if keys else "no key of the set can be used"
        except (CannotFetch, ValueError, RecursionError) as error:
            keys, fault = [], str(error)[:200] or type(error).__name__
        async with self._database.transaction() as session:
            if fault is None:
                await keep_issuer_keys(session, issuer.issuer, keys, now=now)
                return
            await note_failure(session, issuer.issuer, fault, now=now)
        logger.warning(
            "issuer keys not fetched",
            extra={
                "issuer": issuer.issuer,
                "cause": fault,
                "next": "retrying in five minutes; those fetched before are believed for a day",
            },
        )

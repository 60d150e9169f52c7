"""Verifies tokens of foreign issuers with the keys that the worker fetched into PostgreSQL.

This process never calls an issuer: an unknown key id is looked up in the table, at most once a
second.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.core.identity.access_tokens import BadToken, Unverified
from services.core.identity.issuers import (
    KEPT_WITHOUT_NEWS,
    ForeignToken,
    Issuer,
    read_foreign,
)
from services.core.identity.queries import issuer_keys
from services.core.kit.clock import is_recent
from services.core.kit.database import Database

_READ_EVERY = timedelta(seconds=60)
_UNKNOWN_EVERY = timedelta(seconds=1)


class ForeignTokens:
    """Verifies the tokens of the trusted foreign issuers."""

    def __init__(
        self,
        database: Database,
        issuers: Mapping[str, Issuer],
        true_now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._true_now = true_now
        self._keys: Mapping[str, Sequence[Mapping[str, Any]]] = {}
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    def issuer_of(self, token: Unverified) -> Issuer | None:
        """Return the trusted foreign issuer that a token names; None: it names none."""
        name = token.claims.get("iss")
        return self._issuers.get(name) if isinstance(name, str) else None

    async def read(self, token: Unverified, issuer: Issuer, now: datetime) -> ForeignToken:
        """Return the claims of an issuer's token.

        Raises:
            BadToken: it is invalid.
        """
        if token.header.get("alg") not in issuer.algorithms or token.key_name is None:
            raise BadToken
        known = {one["kid"] for one in self._keys.get(issuer.issuer, ())}
        await self._read(_READ_EVERY if token.key_name in known else _UNKNOWN_EVERY)
        return read_foreign(token, issuer, self._keys.get(issuer.issuer, ()), now)

    async def _read(self, every: timedelta) -> None:
        if self._is_fresh(every):
            return
        async with self._reading:
            if self._is_fresh(every):
                return
            at = self._true_now()
            async with self._database.sessions() as session:
                found = await issuer_keys(session)
            self._keys = {
                one.issuer: one.keys
                for one in found
                if one.fetched_at is not None and at < one.fetched_at + KEPT_WITHOUT_NEWS
            }
            self._read_at = at

    def _is_fresh(self, every: timedelta) -> bool:
        return is_recent(self._read_at, self._true_now(), every)

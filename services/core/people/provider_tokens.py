"""App tokens that all processes share: sealed in the provider's row, fetched by one at a time.

If two processes fetch at once, either token may be stored. Some apps revoke the first when they
issue the second: then whoever holds the revoked one sees it refused and takes the stored one.
No connection is held while an app is asked.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from services.core.kit.database import Database
from services.core.kit.sealing import CannotUnseal, Seal
from services.core.people import queries
from services.core.people.models import Provider
from services.core.people.provider_calls import Fetch
from services.core.people.providers import token_context
from services.core.people.statements import KEEP_APP_TOKEN

_MARGIN = timedelta(minutes=5)
"""A token is not used so shortly before its end, because an app's clock may differ."""


class AppTokens:
    """The app tokens of a process's providers."""

    def __init__(self, database: Database, seal: Seal, true_now: Callable[[], datetime]) -> None:
        self._database = database
        self._seal = seal
        self._true_now = true_now
        # A lock exists while somebody holds it or waits for it.
        self._fetching: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def token(self, provider: Provider, fetch: Fetch, gone: str | None) -> str:
        """Return the shared token, but not the refused one `gone`; `fetch` gets a new one."""
        kept = self._open(provider)
        if kept is not None and kept != gone:
            return kept
        lock = self._fetching.setdefault(provider.id, asyncio.Lock())
        async with lock:
            async with self._database.sessions() as session:
                now = await queries.provider(session, provider.city_code, provider.id)
            # A provider changed meanwhile may be another app: its token is not for this address.
            kept = None if now is None or now.version != provider.version else self._open(now)
            if kept is not None and kept != gone:
                return kept
            fetched, life = await fetch()
            await self._keep(provider, fetched, self._true_now() + life)
            return fetched

    def _open(self, provider: Provider) -> str | None:
        sealed, until = provider.token_sealed, provider.token_until
        if sealed is None or until is None or until - _MARGIN <= self._true_now():
            return None
        try:
            return self._seal.unseal(sealed, token_context(provider.id)).decode()
        except CannotUnseal:
            return None

    async def _keep(self, provider: Provider, token: str, until: datetime) -> None:
        """Save a token, unless the provider has changed since it was fetched."""
        async with self._database.transaction() as session:
            await session.execute(
                KEEP_APP_TOKEN,
                {
                    "city": provider.city_code,
                    "id": provider.id,
                    "version": provider.version,
                    "token": self._seal.seal(token.encode(), token_context(provider.id)),
                    "until": until,
                },
            )

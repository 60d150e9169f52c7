"""From a bearer credential to an Actor. A key's revocation takes effect within five seconds."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
from cachetools import TLRUCache
from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from services.core.identity.actor import Actor
from services.core.identity.errors import NetworkNotAllowed, Unauthenticated, not_permitted
from services.core.identity.networks import Network, is_within, network_shown, networks_of
from services.core.identity.queries import actor_of, key_by_digest
from services.core.identity.rules import Permission
from services.core.identity.service import note_use
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words
from services.core.kit.secrets import digest
from services.core.kit.text import Text

logger = logging.getLogger("wufei.api")

KEPT = timedelta(seconds=4)
"""How long a key is trusted without asking Postgres; below the promised five seconds."""

_MOST_KEPT = 10_000
_USE_NOTED_EVERY_SECONDS = 30
_LABEL_PARTS = 4
_LONGEST_TOKEN = 200


def _written(token: str) -> bool:
    return token.isascii() and token.isprintable()


@dataclass(frozen=True, slots=True)
class _Met:
    """A key that was looked up: until when that needs no second look, and from where it is good."""

    until: datetime
    actor: Actor
    networks: tuple[Network, ...]


class Keys:
    """The keys met lately, and when and from where each was last used."""

    def __init__(self, database: Database, true_now: Callable[[], datetime]) -> None:
        self._database = database
        self._true_now = true_now
        # By digest: neither the secrets nor anything that leads to them is kept.
        self._met: TLRUCache[bytes, _Met, datetime] = TLRUCache(
            _MOST_KEPT, ttu=lambda _digest, met, _now: met.until, timer=true_now
        )
        self._used: dict[tuple[str, UUID], tuple[datetime, str | None]] = {}

    async def actor(self, token: str, request_id: str, address: str | None = None) -> Actor:
        """Return who a token belongs to; `address` is where the call comes from.

        Raises:
            Unauthenticated: nobody, or a key that expired or was revoked.
            NetworkNotAllowed: the key is good from other networks only.
        """
        now = self._true_now()
        key_digest = digest(token)
        met = self._met.get(key_digest)
        if met is None:
            met = self._met[key_digest] = await self._look_up(token, key_digest, now)
        actor = met.actor
        if met.networks and not is_within(address, met.networks):
            raise _from_elsewhere(address)
        self._used[actor.city_code, actor.credential_id] = now, address
        return actor.in_request(request_id)

    def forget(self) -> None:
        """Ask Postgres again for every key: something about keys changed in this process."""
        self._met.clear()

    async def _look_up(self, token: str, key_digest: bytes, now: datetime) -> _Met:
        """Return who a token belongs to, and until when that needs no second look."""
        parts = token.split("_", 3)
        if len(parts) != _LABEL_PARTS or len(token) > _LONGEST_TOKEN or not _written(token):
            raise Unauthenticated
        async with self._database.sessions() as session:
            found = await key_by_digest(session, city_code=parts[1], digest=key_digest, now=now)
        if found is None:
            raise Unauthenticated
        key, good_until = found
        ends = [one for one in (key.expires_at, good_until) if one is not None]
        # Until then a revocation by another process is not noticed; an end that is known always is.
        return _Met(
            min([now + KEPT, *ends]),
            actor_of(key, channel="api"),
            networks_of(key.allowed_networks),
        )

    async def note_uses(self) -> None:
        """Write when keys were last used, every half minute, for ever."""
        while True:
            await asyncio.sleep(_USE_NOTED_EVERY_SECONDS)
            seen, self._used = self._used, {}
            used = {key: (at, network_shown(address)) for key, (at, address) in seen.items()}
            try:
                async with self._database.transaction() as session:
                    await note_use(session, used)
            except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
                logger.warning(
                    "key use not saved",
                    extra={
                        "cause": cause_in_words(error),
                        "next": "the last use of some keys stays unknown; the next is noted",
                    },
                )


def _from_elsewhere(address: str | None) -> NetworkNotAllowed:
    shown = address or "-"
    return NetworkNotAllowed(
        Text(
            f"该密钥不能从 {shown} 使用；请管理员在 allowed_networks 中加入该网段，"
            "或检查代理设置（WUFEI_TRUSTED_PROXIES）",
            f"The key is not to be used from {shown}: ask the administrator to add that network to"
            " allowed_networks, or to look at WUFEI_TRUSTED_PROXIES",
        )
    )


def address_of(request: Request) -> str | None:
    """Return where a call comes from: the peer, or whom a trusted proxy names; None: a socket."""
    client = request.scope.get("client")
    return None if client is None else str(client[0])


async def authenticate(request: Request) -> Actor:
    """Return the caller; the route class asks this of every request before anything else.

    Raises:
        Unauthenticated: there is no valid credential.
        NetworkNotAllowed: it is one that is good from other networks only.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    keys: Keys = request.app.state.resources.keys
    return await keys.actor(token.strip(), request.scope["request_id"], address_of(request))


def caller_of(request: Request) -> Actor:
    """Return who the route class found to be calling."""
    actor: Actor = request.scope["actor"]
    return actor


def require(request: Request, permission: Permission) -> Actor:
    """Return the caller if it may do this.

    Raises:
        Forbidden: it may not.
    """
    actor = caller_of(request)
    if not actor.may(permission):
        raise not_permitted(actor, permission)
    return actor


async def _caller(request: Request) -> Actor:
    return caller_of(request)


Caller = Annotated[Actor, Depends(_caller)]


@dataclass(frozen=True, slots=True)
class Permitted:
    """The dependency that lets a caller pass who has this permission."""

    permission: Permission

    async def __call__(self, request: Request) -> Actor:
        """Return the caller.

        Raises:
            Forbidden: its role or its scopes do not allow it.
        """
        return require(request, self.permission)


def permitted(permission: Permission) -> Permitted:
    """Return the dependency that lets a caller pass who may do this."""
    return Permitted(permission)

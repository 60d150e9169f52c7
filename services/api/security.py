"""From a bearer credential to an Actor. A key's revocation takes effect within five seconds."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
from cachetools import TLRUCache
from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from services.api.credentials import Credential, KnownKey
from services.api.foreign_tokens import ForeignTokens
from services.api.request_context import context_of
from services.api.signed_calls import Partners, authenticate_signed, is_signed
from services.api.tokens import Tokens
from services.core.identity.access_tokens import (
    API,
    AccessToken,
    Audience,
    BadToken,
    looks_like_token,
    take_apart,
)
from services.core.identity.actor import Actor
from services.core.identity.errors import NetworkNotAllowed, Unauthenticated, not_permitted
from services.core.identity.issuers import ForeignToken
from services.core.identity.models import ApiKey
from services.core.identity.networks import is_within, network_shown, networks_of
from services.core.identity.queries import actor_of, key_by_digest, key_with_secrets
from services.core.identity.rules import Permission
from services.core.identity.service import note_use
from services.core.kit.city_scope import enter_city, in_city
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words
from services.core.kit.secrets import digest
from services.core.kit.single_flight import SingleFlight
from services.core.kit.text import Text
from services.core.people.queries import open_sessions

logger = logging.getLogger("wufei.api")

KEPT = timedelta(seconds=4)
"""How long a key is trusted without asking Postgres; below the promised five seconds."""

_MOST_KEPT = 10_000
_USE_NOTED_EVERY_SECONDS = 30
_LABEL_PARTS = 4
_LONGEST_TOKEN = 200
_NEVER = datetime.max.replace(tzinfo=UTC)


def _written(token: str) -> bool:
    return token.isascii() and token.isprintable()


class Keys:
    """The credentials used lately, and when and from where each key was last used.

    A key is read from Postgres at most every four seconds, whether it is presented itself or by
    `tokens` that name it.
    """

    def __init__(
        self,
        database: Database,
        true_now: Callable[[], datetime],
        tokens: Tokens | None = None,
        foreign: ForeignTokens | None = None,
    ) -> None:
        self._database = database
        self._true_now = true_now
        self._tokens = tokens
        self._foreign = foreign
        # Keyed by digest: neither secrets nor tokens are kept in memory.
        self._met: TLRUCache[bytes, Credential, datetime] = TLRUCache(
            _MOST_KEPT, ttu=lambda _digest, met, _now: met.until, timer=true_now
        )
        self._named: TLRUCache[tuple[str, UUID], KnownKey, datetime] = TLRUCache(
            _MOST_KEPT, ttu=lambda _name, known, _now: known.until, timer=true_now
        )
        self._looks: SingleFlight[bytes, Credential] = SingleFlight()
        self._times_forgotten = 0
        self._used: dict[tuple[str, UUID], tuple[datetime, str | None]] = {}

    async def actor(self, token: str, request_id: str, address: str | None = None) -> Actor:
        """Return the actor of a token; `address` is where the call comes from.

        Raises:
            Unauthenticated: it is unknown, or its key expired or was revoked.
            NetworkNotAllowed: the key may be used from other networks only.
        """
        return (await self.presented(token, address)).actor.in_request(request_id)

    async def presented(
        self, token: str, address: str | None, audience: Audience = API
    ) -> Credential:
        """Return the credential presented from an address, and note its use.

        From then on the request belongs to its city, until it names a plan of another.

        Raises:
            Unauthenticated, NetworkNotAllowed: see `actor`; a token for another audience is
                unknown, so that neither a cookie opens the API nor a client's token the board.
        """
        now = self._true_now()
        key_digest = digest(token)
        met = self._met.get(key_digest)
        if met is None or _was_set_back(met.until, now):
            met = await self._looks.look(
                key_digest,
                lambda: self._look_up(token, key_digest, now),
                lambda found: self._met.update({key_digest: found}),
            )
        if met.audience != audience:
            raise Unauthenticated
        actor = met.actor
        if met.networks and not is_within(address, met.networks):
            raise _from_elsewhere(address, actor)
        self._used[actor.city_code, actor.credential_id] = now, address
        enter_city(actor.city_code)
        return met

    def forget(self) -> None:
        """Drop the cache of keys: a key changed in this process."""
        self._met.clear()
        self._named.clear()
        self._looks.forget()
        self._times_forgotten += 1

    async def _look_up(self, token: str, key_digest: bytes, now: datetime) -> Credential:
        """Return the owner of a token, and until when it need not be looked up again."""
        if looks_like_token(token):
            return await self._of_token(token, now)
        parts = token.split("_", _LABEL_PARTS - 1)
        if len(parts) != _LABEL_PARTS or len(token) > _LONGEST_TOKEN or not _written(token):
            raise Unauthenticated
        with in_city(parts[1]):
            found = await key_by_digest(
                self._database.pool, city_code=parts[1], digest=key_digest, now=now
            )
        if found is None:
            raise Unauthenticated
        key, secret_ends = found
        good_until = _first(key.expires_at, secret_ends)
        # Until then a revocation by another process goes unnoticed; a known expiry is always
        # honoured.
        return Credential(
            until=min(now + KEPT, good_until),
            actor=actor_of(key, channel="api"),
            networks=networks_of(key.allowed_networks),
            secret_prefix="_".join(parts[:-1]),
            good_until=good_until,
        )

    async def _of_token(self, text: str, now: datetime) -> Credential:
        """Return the credential of an access token, ours or a foreign issuer's."""
        try:
            token = take_apart(text)
            issuer = None if self._foreign is None else self._foreign.issuer_of(token)
            if issuer is not None and self._foreign is not None:
                return await self._of_foreign(await self._foreign.read(token, issuer, now), now)
            if self._tokens is None:
                raise Unauthenticated
            return await self._of_own(await self._tokens.read(token, now), now)
        except BadToken:
            raise Unauthenticated from None

    async def _of_foreign(self, said: ForeignToken, now: datetime) -> Credential:
        """Return the key that a foreign token acts as, until the token or the key ends."""
        known = await self._system(said.city_code, said.key_id, now)
        good_until = _first(said.expires_at, known.expires_at)
        return Credential(
            until=min(known.until, good_until),
            actor=known.actor,
            networks=known.networks,
            secret_prefix="",
            good_until=good_until,
        )

    async def _of_own(self, said: AccessToken, now: datetime) -> Credential:
        """Return the key of a token that we issued; it ends with the secret it was issued for."""
        known = await self._known(said.city_code, said.key_id, now)
        if said.secret_prefix not in known.secrets and said.issued_at > known.read_at - KEPT:
            # Another process began the session, or rotated the key, after this one read it.
            self._named.pop((said.city_code, said.key_id), None)
            known = await self._known(said.city_code, said.key_id, now)
        if said.secret_prefix not in known.secrets:
            raise Unauthenticated
        good_until = _first(said.expires_at, known.expires_at, known.secrets[said.secret_prefix])
        return Credential(
            until=min(known.until, good_until),
            actor=known.actor.narrowed_to(said.scopes),
            networks=known.networks,
            secret_prefix=said.secret_prefix,
            good_until=good_until,
            audience=said.audience,
        )

    async def acting_as(self, city_code: str, key_id: UUID, now: datetime) -> KnownKey:
        """Return the key that a caller with another proof acts as, and note its use.

        Raises:
            Unauthenticated: the key is no longer valid.
        """
        known = await self._system(city_code, key_id, now)
        self._used[city_code, key_id] = now, None
        return known

    async def _system(self, city_code: str, key_id: UUID, now: datetime) -> KnownKey:
        """Return a system key that others may act as; a person's tenure is never one."""
        known = await self._known(city_code, key_id, now)
        if known.actor.person_id is not None:
            raise Unauthenticated
        return known

    async def _known(self, city_code: str, key_id: UUID, now: datetime) -> KnownKey:
        known = self._named.get((city_code, key_id))
        if known is not None and not _was_set_back(known.until, now):
            return known
        before = self._times_forgotten
        with in_city(city_code):
            key, secrets = await self._read(city_code, key_id, now)
        known = KnownKey(
            until=min(now + KEPT, _first(key.expires_at)),
            read_at=now,
            actor=actor_of(key, channel="api"),
            networks=networks_of(key.allowed_networks),
            expires_at=key.expires_at,
            secrets=secrets,
        )
        if before == self._times_forgotten:  # do not cache what was read before a change
            self._named[city_code, key_id] = known
        return known

    async def _read(
        self, city_code: str, key_id: UUID, now: datetime
    ) -> tuple[ApiKey, Mapping[str, datetime | None]]:
        pool = self._database.pool
        found = await key_with_secrets(pool, city_code=city_code, key_id=key_id, now=now)
        if found is None:
            raise Unauthenticated
        key, secrets = found
        if key.person_id is not None:
            async with self._database.sessions() as session:
                secrets = await open_sessions(session, city_code, key_id, now)
        return key, secrets

    async def note_uses(self) -> None:
        """Write the last use of keys every 30 seconds, for ever."""
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


def _first(*ends: datetime | None) -> datetime:
    """Return the earliest of some ends; None means no end."""
    return min((one for one in ends if one is not None), default=_NEVER)


def _was_set_back(until: datetime, now: datetime) -> bool:
    """Return whether the clock was set back since an entry was cached until then."""
    return until > now + KEPT


def _from_elsewhere(address: str | None, actor: Actor) -> NetworkNotAllowed:
    shown = address or "-"
    refused = NetworkNotAllowed(
        Text(
            f"该密钥不能从 {shown} 使用；请管理员在 allowed_networks 中加入该网段，"
            "或检查代理设置（WUFEI_TRUSTED_PROXIES）",
            f"The key is not to be used from {shown}: ask the administrator to add that network to"
            " allowed_networks, or to look at WUFEI_TRUSTED_PROXIES",
        )
    )
    refused.actor = actor
    return refused


def address_of(request: Request) -> str | None:
    """Return the address of a call: the peer, or the one a trusted proxy names; None: a socket."""
    client = request.scope.get("client")
    return None if client is None else str(client[0])


async def authenticate(request: Request) -> Actor:
    """Return the caller; the route class does this for every request before anything else.

    Raises:
        Unauthenticated: there is no valid credential.
        NetworkNotAllowed: the credential may be used from other networks only.
        SignatureMissing, SignatureWrong, …: it is signed, see `Partners.let_in`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    context = context_of(request)
    if context.signed is not None or (not scheme and is_signed(request.headers)):
        partners: Partners = request.app.state.resources.partners
        signed = await authenticate_signed(request, partners)
        enter_city(signed.city_code)
        return signed
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    resources, address = request.app.state.resources, address_of(request)
    keys: Keys = resources.keys
    try:
        found = await keys.presented(token.strip(), address, context.audience)
    except NetworkNotAllowed as refused:
        context.maker = refused.actor
        raise
    # Not part of the actor: only session routes need it, and it is not stored in history.
    context.secret_prefix = found.secret_prefix
    actor = found.actor.in_request(context.request_id)
    resources.access.used(actor, address)
    return actor


def session_id_of(request: Request) -> UUID | None:
    """Return the session of the authenticated caller; None: it is not a user's."""
    context = context_of(request)
    is_users = context.caller.person_id is not None and context.secret_prefix is not None
    return UUID(context.secret_prefix) if is_users else None


def caller_of(request: Request) -> Actor:
    """Return the caller that the route class authenticated."""
    return context_of(request).caller


def require(request: Request, permission: Permission) -> Actor:
    """Return the caller if it has this permission.

    Raises:
        Forbidden: it has not.
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
    """A dependency that admits callers with this permission."""

    permission: Permission

    async def __call__(self, request: Request) -> Actor:
        """Return the caller.

        Raises:
            Forbidden: its role or its scopes do not allow it.
        """
        return require(request, self.permission)


def permitted(permission: Permission) -> Permitted:
    """Return a dependency that admits callers with this permission."""
    return Permitted(permission)

"""Requests that a partner signed: verified, counted once, and run as the key it acts as.

The signature is verified before anything is written. Then a nonce is stored in PostgreSQL by a
statement that is a transaction by itself, so that a replay is refused by any process, and after
Redis was emptied.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from cachetools import TLRUCache
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from services.api.known_partners import (
    ActingAs,
    KnownPartner,
    SignedCall,
    check_interface,
    check_networks,
    not_allowed,
)
from services.api.limiting import Limits
from services.api.quotas import Quota
from services.api.request_context import context_of
from services.api.sealed_calls import sm_keys_of, told_within
from services.core.gateways import queries
from services.core.gateways.counted import Counted, add_use
from services.core.gateways.errors import (
    InterfaceNotAllowed,
    SignatureMissing,
    SignatureReplayed,
    SignatureWrong,
)
from services.core.gateways.profiles import PROFILES, Profile, SignedPart
from services.core.gateways.service import secret_context
from services.core.gateways.signing import Call, Presented, nonce_digest, presented, prove
from services.core.gateways.statements import REMEMBER
from services.core.gateways.use import Use
from services.core.identity.actor import Actor
from services.core.identity.networks import networks_of
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words
from services.core.kit.sealing import CannotUnseal, Seal
from services.core.kit.text import Text

logger = logging.getLogger("wufei.api")

OWN = frozenset({"wufei-hmac", "wufei-hmac-sm3"})
"""The profiles accepted on every path, because they sign the whole request."""

_OWN_PARTNER = PROFILES["wufei-hmac"].places[SignedPart.PARTNER]
_KEPT = timedelta(seconds=4)
_MOST_KEPT = 10_000
_MOST_COUNTED = 20_000
_NOTED_EVERY_SECONDS = 30
_DAY = timedelta(days=1)
_LABEL_PARTS = 3
_REFUSED_FROM = 400


class Partners:
    """The partners used lately, and their use since it was last written.

    `acting_as` finds the key of a city and id; `seal` decrypts secrets, None: nobody is admitted.
    """

    def __init__(
        self,
        database: Database,
        acting_as: Callable[[str, UUID, datetime], Awaitable[ActingAs]],
        seal: Seal | None,
        true_now: Callable[[], datetime],
        limits: Limits | None,
    ) -> None:
        self._database = database
        self._acting_as = acting_as
        self._seal = seal
        self._true_now = true_now
        self._limits = limits
        self._met: TLRUCache[str, KnownPartner | None, datetime] = TLRUCache(
            _MOST_KEPT,
            ttu=lambda _name, known, now: now + _KEPT if known is None else known.until,
            timer=true_now,
        )
        self._counted: dict[Counted, Use] = {}

    def forget(self) -> None:
        """Drop the cache of partners: a partner changed in this process."""
        self._met.clear()

    async def let_in(
        self, request: Request, interface: str, profiles: Collection[str]
    ) -> SignedCall:
        """Return a verified request, signed with the secret of a partner of that profile.

        It is verified once, however often the request is retried or polls, and each time the
        partner's rights are checked again. `interface` is the operation that it calls, `profiles`
        those that are accepted here.

        Raises:
            SignatureMissing, SignatureLate, SignatureWrong: it is not signed as a partner signs.
            NetworkNotAllowed, InterfaceNotAllowed: it may not come from this address, or do this.
            RateLimited: the partner's quota is used up.
            SignatureReplayed: its nonce was used before.
        """
        context = context_of(request)
        proved = context.signed
        if proved is not None:
            return await self._still_in(request, proved)
        call = await call_of(request)
        profile, said, partner = await self._claimed(call, profiles)
        now = self._true_now()
        prove(profile, call, said, partner.secrets if partner else _NO_SECRET, now)
        if partner is None:
            raise SignatureWrong
        members, sm_keys = await told_within(partner.profile, call.body, partner.sm_keys, now)
        actor = await self._permitted(request, partner, interface)
        if said.interface not in {None, interface}:
            raise not_allowed(partner.interfaces)
        await self._admit(request, partner)
        await self._remember(partner, said, now)
        signed = context.signed = SignedCall(
            partner, actor, interface, now, members=members, sm_keys=sm_keys
        )
        request.app.state.resources.access.used(actor, _address(request))
        return signed

    async def _still_in(self, request: Request, proved: SignedCall) -> SignedCall:
        """Return a verified request with its partner and key looked up again.

        Its nonce is already stored, and its quota used.

        Raises:
            SignatureWrong: the partner no longer exists.
            NetworkNotAllowed, InterfaceNotAllowed, Unauthenticated: it has lost the right.
        """
        partner = await self._known(proved.partner.app_id)
        if partner is None:
            raise SignatureWrong
        proved.actor = await self._permitted(request, partner, proved.interface)
        proved.partner = partner
        return proved

    async def _permitted(self, request: Request, partner: KnownPartner, interface: str) -> Actor:
        """Return the key a partner acts as, if it may call an operation from its address."""
        acting = await self._acting_as(partner.city_code, partner.key_id, self._true_now())
        context = context_of(request)
        context.maker = acting.actor
        check_networks(_address(request), partner, acting)
        check_interface(interface, partner)
        return acting.actor.in_request(context.request_id)

    async def _claimed(
        self, call: Call, profiles: Collection[str]
    ) -> tuple[Profile, Presented, KnownPartner | None]:
        """Return the partner that a request claims to be from, and its profile.

        A partner of another profile than the one used is treated as unknown.
        """
        lacking: SignatureMissing | None = None
        for name in profiles:
            profile = PROFILES[name]
            try:
                said = presented(profile, call)
            except SignatureMissing as error:
                lacking = lacking or error
                continue
            partner = await self._known(said.partner)
            if partner is not None and partner.profile.name in profiles:
                return partner.profile, presented(partner.profile, call), partner
            return profile, said, None
        raise lacking or SignatureMissing

    async def _known(self, app_id: str) -> KnownPartner | None:
        now = self._true_now()
        known = self._met.get(app_id)
        if app_id not in self._met or (known is not None and known.until > now + _KEPT):
            known = self._met[app_id] = await self._look_up(app_id, now)
        return known

    async def _look_up(self, app_id: str, now: datetime) -> KnownPartner | None:
        parts = app_id.split("_", _LABEL_PARTS - 1)
        if len(parts) != _LABEL_PARTS or self._seal is None:
            return None
        with in_city(parts[1]):
            async with self._database.sessions() as session:
                partner = await queries.calling_partner(session, parts[1], app_id)
                if partner is None:
                    return None
                kept = (await queries.secrets_of(session, [partner], now=now))[partner.id]
        try:
            secrets = [self._seal.unseal(one.secret_sealed, secret_context(one.id)) for one in kept]
            sm_keys = sm_keys_of(partner, secrets, self._seal)
        except CannotUnseal:
            logger.warning(
                "partner secret not opened",
                extra={
                    "partner": str(partner.id),
                    "cause": "it was sealed with a key that this process was not given",
                    "next": "the partner is refused; give the key, or rotate its secret",
                },
            )
            return None
        ends = [one.expires_at for one in kept if one.expires_at is not None]
        return KnownPartner(
            until=min([now + _KEPT, *ends]),
            app_id=app_id,
            city_code=partner.city_code,
            id=partner.id,
            key_id=partner.key_id,
            profile=PROFILES[partner.profile],
            networks=networks_of(partner.allowed_networks),
            interfaces=frozenset(partner.interfaces),
            output_fields=frozenset(partner.output_fields),
            per_minute=partner.per_minute,
            per_day=partner.per_day,
            secrets=tuple(secrets),
            sm_keys=sm_keys,
        )

    async def _admit(self, request: Request, partner: KnownPartner) -> None:
        if self._limits is None:
            return
        told = context_of(request).limited.told
        who = f"partner:{partner.id}"
        for quota in (
            Quota("partner-minute", partner.per_minute),
            Quota("partner-day", partner.per_day, _DAY),
        ):
            await self._limits.admit_by(told, who, quota)

    async def _remember(self, partner: KnownPartner, said: Presented, now: datetime) -> None:
        # Kept as long as its timestamp could be accepted, at the largest clock skew allowed.
        expires_at = now + 2 * partner.profile.window + _KEPT
        given = {
            "city_code": partner.city_code,
            "partner_id": partner.id,
            "digest": nonce_digest(said),
            "expires_at": expires_at,
            "now": now,
        }
        with in_city(partner.city_code):
            fresh = await self._database.pool.fetchval(*REMEMBER.bind(given))
        if fresh is None:
            raise SignatureReplayed

    def count(
        self, call: SignedCall, *, status: int, seconds: float, bytes_in: int, bytes_out: int
    ) -> None:
        """Count a call that was answered."""
        partner = call.partner
        key = partner.city_code, partner.id, call.at.date(), call.interface
        use = self._counted.get(key)
        if use is None:
            if len(self._counted) >= _MOST_COUNTED:
                return
            use = self._counted[key] = Use(call.at)
        use.count(
            call.at,
            milliseconds=1000 * seconds,
            fault=status >= _REFUSED_FROM if call.fault is None else call.fault,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
        )

    async def note_use(self) -> None:
        """Write the counts since the last write."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        try:
            async with self._database.transaction() as session:
                await add_use(session, counted)
        except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
            logger.warning(
                "partner use not saved",
                extra={
                    "cause": cause_in_words(error),
                    "next": "some calls stay uncounted; those to come are counted",
                },
            )

    async def note_uses(self) -> None:
        """Write the counts every 30 seconds, for ever."""
        while True:
            await asyncio.sleep(_NOTED_EVERY_SECONDS)
            await self.note_use()


_NO_SECRET = (hashlib.sha256(b"nobody's").digest(),)
"""A dummy secret: unknown partners are verified against it, so that timing does not reveal them."""


def is_signed(headers: Mapping[str, str]) -> bool:
    """Return whether a request has no key and is signed with our own scheme."""
    return _OWN_PARTNER in headers


async def call_of(request: Request) -> Call:
    """Return a request as it was signed: as received, with the path without a proxy's prefix.

    A HEAD is run as a GET, the suffix of an address becomes the format of a list, and a whole list
    is read page by page: the signature covers none of these.
    """
    scope = request.scope
    here = scope["method"], scope["path"], scope["query_string"]
    method, path, query = context_of(request).line or here
    below = path.removeprefix(scope.get("root_path", ""))
    return Call(method, below, request.headers, query.decode("latin-1"), await request.body())


def told_of_call(
    scope: MutableMapping[str, Any], *, status: int, seconds: float, bytes_out: int
) -> None:
    """Count a request that was answered, if a partner signed it."""
    call = context_of(scope).signed
    if call is None:
        return
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    partners: Partners = scope["app"].state.resources.partners
    partners.count(
        call,
        status=status,
        seconds=seconds,
        bytes_in=int(declared) if declared.isdigit() else 0,
        bytes_out=bytes_out,
    )


def _address(request: Request) -> str | None:
    client = request.scope.get("client")
    return None if client is None else str(client[0])


async def authenticate_signed(request: Request, partners: Partners) -> Actor:
    """Return the actor of a request to our own paths that was signed with our own scheme.

    Raises:
        SignatureMissing, SignatureWrong, …: see `Partners.let_in`.
        InterfaceNotAllowed: a file is sent, or the partner may receive only some members.
    """
    context = context_of(request)
    if context.signed is None and request.url.path.endswith("/evidence"):
        raise InterfaceNotAllowed(
            Text("文件请用密钥上传，不用签名", "Send files with a key: they are not signed")
        )
    operation = getattr(request.scope.get("route"), "name", "")
    signed = await partners.let_in(request, operation, sorted(OWN))
    if signed.partner.output_fields and not context.by_gateway:
        raise InterfaceNotAllowed(
            Text(
                "该对接方只能得到部分字段，请经 /gw/v1 调用",
                "The partner is answered with some members only: call by /gw/v1",
            )
        )
    return signed.actor

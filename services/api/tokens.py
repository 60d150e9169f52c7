"""Signing keys as a process caches them: read once a minute, and sooner for an unknown key id.

A storm of tokens with made-up key ids costs at most one query a second, and never an outgoing
request.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from joserfc.jwk import Key

from services.core.identity.access_tokens import (
    ALGORITHM,
    API,
    AccessToken,
    Audience,
    BadToken,
    Unverified,
    prove,
    read_claims,
    sign,
)
from services.core.identity.actor import system
from services.core.identity.queries import token_keys
from services.core.identity.rules import Scope
from services.core.identity.signing_keys import LONGEST_LIFE, IssuingKey, can_sign, signing
from services.core.identity.token_keys import keep_signing_keys
from services.core.kit.clock import is_recent
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, SecretKeyNotSet

_READ_EVERY = timedelta(seconds=60)
_UNKNOWN_EVERY = timedelta(seconds=1)


class Tokens:
    """Issues and verifies the tokens of this installation.

    `issuer` is the address that clients use, and the `iss` of every token. None: the address is not
    known, so any `iss` is accepted, because our signature is proof enough.
    """

    def __init__(
        self,
        database: Database,
        seal: Seal | None,
        true_now: Callable[[], datetime],
        *,
        issuer: str | None,
        shown_issuer: str,
        life: timedelta,
    ) -> None:
        self._database = database
        self._seal = seal
        self._true_now = true_now
        self._issuer = issuer
        self.issuer = shown_issuer
        self.life = life
        self._keys: Sequence[IssuingKey] = ()
        self._signing_keys: Sequence[IssuingKey] = ()
        self._verifiers: dict[str, Key] = {}
        self._signer: tuple[str, Key] | None = None
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def published(self) -> Sequence[IssuingKey]:
        """Return the keys that may have signed a valid token, now or soon."""
        await self._read(_READ_EVERY)
        return self._keys

    async def issue(
        self,
        *,
        city_code: str,
        key_id: UUID,
        secret_prefix: str,
        scopes: frozenset[Scope],
        ends: datetime | None = None,
        life: timedelta | None = None,
        audience: Audience = API,
    ) -> tuple[str, AccessToken]:
        """Return a token and its claims; it is valid until `ends` at most.

        `life` is how long, by default as long as clients' tokens.

        Raises:
            SecretKeyNotSet: this deployment has no key to seal signing keys with.
        """
        kid, key = await self._signing()
        now = self._true_now()
        good_until = now + min(life or self.life, LONGEST_LIFE)
        token = AccessToken(
            issuer=self.issuer,
            audience=audience,
            city_code=city_code,
            key_id=key_id,
            secret_prefix=secret_prefix,
            scopes=scopes,
            issued_at=now,
            expires_at=good_until if ends is None else min(good_until, ends),
            token_id=new_id(),
        )
        return sign(token, key, kid), token

    async def read(self, token: Unverified, now: datetime) -> AccessToken:
        """Return the claims of a token that this installation signed.

        Raises:
            BadToken: it has another signature, or has expired.
        """
        name = token.key_name
        if name is None:
            raise BadToken
        await self._read(_READ_EVERY if name in self._verifiers else _UNKNOWN_EVERY)
        key = self._verifiers.get(name)
        if key is None:
            raise BadToken
        prove(token, key, [ALGORITHM])
        return read_claims(token, issuer=self._issuer, now=now)

    async def _signing(self) -> tuple[str, Key]:
        if self._seal is None:
            raise SecretKeyNotSet
        await self._read(_READ_EVERY)
        now = self._true_now()
        key = signing(self._signing_keys, now)
        if key is None:
            async with self._database.transaction() as session:
                await keep_signing_keys(session, seal=self._seal, actor=system("api"), now=now)
            await self._read(timedelta())
            # Another process may have made the key meanwhile, valid from after this look-up began.
            key = signing(self._signing_keys, self._true_now())
        if key is None:  # the clock was set back
            raise SecretKeyNotSet
        if self._signer is None or self._signer[0] != key.kid:
            self._signer = key.kid, key.private(self._seal)
        return self._signer

    async def _read(self, every: timedelta) -> None:
        """Read the keys, unless they were read lately."""
        if self._is_fresh(every):
            return
        async with self._reading:
            if self._is_fresh(every):
                return
            at = self._true_now()
            async with self._database.sessions() as session:
                self._keys = await token_keys(session)
            self._verifiers = {key.kid: key.verifier() for key in self._keys}
            seal = self._seal
            self._signing_keys = [key for key in self._keys if seal and can_sign(key, seal)]
            self._read_at = at

    def _is_fresh(self, every: timedelta) -> bool:
        return is_recent(self._read_at, self._true_now(), every)

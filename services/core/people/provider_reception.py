"""Sign-in with a code of a government app, and linking of such an account after a sign-in.

The app is asked while no connection is held. An unlinked account, a user who has left and a user
who is locked are refused alike, in the answer and in the work done for it.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import new_id
from services.core.kit.sealing import SecretKeyNotSet
from services.core.people import queries
from services.core.people.accounts import link
from services.core.people.admitting import (
    AccountProof,
    PersonsProof,
    TriedAccount,
    admitted,
    city_meant,
    forgive,
    try_password,
)
from services.core.people.errors import (
    ProviderUnavailable,
    SignInNotProvisioned,
    SignInRefused,
)
from services.core.people.models import Provider
from services.core.people.provider_calls import (
    Ask,
    CodeGone,
    Fetch,
    ProviderFailed,
    SentCode,
    provider_of,
)
from services.core.people.provider_families import FAMILIES
from services.core.people.provider_tokens import AppTokens
from services.core.people.providers import given_of
from services.core.people.sessions import Device, Opened
from services.core.people.signing_in import Reception

logger = logging.getLogger("wufei.people")

_RETRY_AFTER_SECONDS = 10

Admit = Callable[[UUID], Awaitable[None]]
"""Counts an attempt with a provider, or refuses it."""


@dataclass(frozen=True, slots=True)
class ProviderReception:
    """Admits people whom an app vouches for; `ask` is the HTTP client, `tokens` None: no key."""

    reception: Reception
    ask: Ask
    tokens: AppTokens | None

    async def sign_in(
        self, proof: AccountProof, *, admit: Admit, post_id: UUID | None, device: Device
    ) -> Opened:
        """Begin a session for the person whom an app identifies.

        Raises:
            SignInNotProvisioned: there is no such provider.
            SignInRefused: the code is not good, or its account is not linked to anybody admitted.
            ProviderUnavailable: the app cannot be asked or trusted.
            SecondFactorNeeded, SecondFactorRequired, ChoosePost, NoPost, InvalidInput: as when
                signing in with a password; the code is used up by then.
            SecretKeyNotSet: this deployment cannot unseal the app's secrets.
        """
        provider = await self._provider(proof.city_code, proof.provider)
        await admit(provider.id)
        digest = await self._digest(provider, proof.sent)
        now = self.reception.clock.true_now()
        async with self.reception.database.transaction() as session:
            tried = await _tried(session, provider, digest)
            person = await admitted(session, tried, proof, seal=self.reception.seal, now=now)
            if person is not None:
                return await self.reception.open_session(
                    session,
                    person,
                    post_id=post_id,
                    device=device,
                    network=proof.network,
                    provider=provider.code,
                    now=now,
                )
        raise SignInRefused

    async def link(
        self, proof: PersonsProof, provider_code: str, sent: SentCode, admit: Admit
    ) -> None:
        """Link an account to a person who proves who they are, by password and the app's code.

        Raises:
            SignInNotProvisioned, ProviderUnavailable, SecretKeyNotSet: see `sign_in`.
            SignInRefused: password, code or the app's code is not good.
            SecondFactorNeeded, SignInBusy: see `Reception.sign_in`.
            AccountTaken: somebody else has linked it.
        """
        provider = await self._provider(proof.city_code, provider_code)
        await admit(provider.id)
        tried = await try_password(self.reception.database, self.reception.hasher, proof)
        now = self.reception.clock.true_now()
        async with self.reception.database.transaction() as session:
            person = await admitted(session, tried, proof, seal=self.reception.seal, now=now)
            if person is not None:
                forgive(person)
        if person is None:
            raise SignInRefused
        # Only now: no app is asked on behalf of somebody who has not proved who they are.
        digest = await self._digest(provider, sent)
        async with self.reception.database.transaction() as session:
            again = await queries.person(session, tried.city_code, tried.person_id, for_update=True)
            standing = await queries.provider_by_code(session, tried.city_code, provider_code)
            if again is None or not tried.holds(again):
                raise SignInRefused
            if standing is None or standing.id != provider.id:
                raise SignInNotProvisioned
            if (standing.base_url, standing.app_id) != (provider.base_url, provider.app_id):
                raise SignInRefused  # the provider is another app by now, which gave no such code
            await link(session, again, standing, digest, now=self.reception.clock.true_now())

    async def _provider(self, city_code: str | None, code: str) -> Provider:
        async with self.reception.database.sessions() as session:
            meant = await city_meant(session, city_code)
            found = await queries.provider_by_code(session, meant, code)
        if found is None:
            raise SignInNotProvisioned
        return found

    async def _digest(self, provider: Provider, sent: SentCode) -> bytes:
        """Return the digest of the account that a code belongs to."""
        tokens, given = self.tokens, given_of(provider, self.reception.seal)
        if tokens is None:
            raise SecretKeyNotSet
        if sent.source not in FAMILIES[provider.family].paths:
            raise SignInRefused

        async def token_of(fetch: Fetch, gone: str | None) -> str:
            return await tokens.token(provider, fetch, gone)

        asked = provider_of(
            given, ask=self.ask, token_of=token_of, now=self.reception.clock.true_now
        )
        try:
            return asked.mapped(await asked.subject(await asked.exchange(sent)))
        except CodeGone:
            raise SignInRefused from None
        except ProviderFailed as error:
            logger.warning(
                "sign-in provider failed",
                extra={
                    "provider": provider.code,
                    "cause": str(error),
                    "next": "whoever came was refused; passwords are good meanwhile",
                },
            )
            raise ProviderUnavailable(extra={"retry_after": _RETRY_AFTER_SECONDS}) from None


async def _tried(session: AsyncSession, provider: Provider, digest: bytes) -> TriedAccount:
    found = await queries.linked_person(session, provider.city_code, provider.id, digest)
    return TriedAccount(provider.city_code, found or new_id(), is_linked=found is not None)

"""Sign-in verbs: begin a session, change the password, set up or reset the second factor."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.calendars.rules import TIME_ZONE
from services.core.identity.rules import is_administrators
from services.core.kit.city_scope import enter_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.secrets import digest
from services.core.kit.text import Text
from services.core.people import queries
from services.core.people.admitting import PersonsProof, admitted, forgive, try_password
from services.core.people.devices import is_proof
from services.core.people.errors import (
    ChoosePost,
    InvitationRefused,
    NoPost,
    Reauthenticate,
    SecondFactorRequired,
    SignInRefused,
)
from services.core.people.hashing import Hasher
from services.core.people.models import Person, SignIn
from services.core.people.passwords import KEPT_FORMER, password_faults, used_before
from services.core.people.queries import HeldPost
from services.core.people.second_factor import (
    address,
    new_recovery_codes,
    new_secret,
    pending_context,
    shown,
    with_recovery,
)
from services.core.people.sessions import (
    REFRESH_LABEL,
    Came,
    Device,
    Opened,
    SessionPolicy,
    begin,
    end,
    end_all,
    give_refresh_token,
    person_stamp,
)
from services.core.people.statements import USE_REFRESH_TOKEN

LONGEST_SECRET = 300
NEW_PASSWORD = "/new_password"  # noqa: S105 (a place in a body)
_LABEL_PARTS = 4


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A new second factor that is not active yet, shown only this once."""

    secret: str
    address: str
    recovery_codes: list[str]


@dataclass(frozen=True, slots=True)
class Reception:
    """The operations for people without a credential, and what these need."""

    database: Database
    hasher: Hasher
    seal: Seal | None
    policy: SessionPolicy
    clock: Clock

    @property
    def _now(self) -> datetime:
        return self.clock.true_now()

    @property
    def _today(self) -> date:
        return self.clock.today(TIME_ZONE)

    async def sign_in(self, proof: PersonsProof, *, post_id: UUID | None, device: Device) -> Opened:
        """Begin a session in a post, for a person who proves who they are.

        Raises:
            SignInRefused: the proof is wrong, they are locked, or there is no such user.
            SecondFactorNeeded, SecondFactorRequired: a code, or first a second factor, is needed.
            ChoosePost, NoPost: they hold several posts and name none, or hold none.
            InvalidInput: they do not hold the post that they name.
            SignInBusy, SecretKeyNotSet: see `try_password` and `admitted`.
        """
        if self.seal is None:
            raise SecretKeyNotSet
        tried = await try_password(self.database, self.hasher, proof)
        now = self._now
        async with self.database.transaction() as session:
            person = await admitted(session, tried, proof, seal=self.seal, now=now)
            if person is not None:
                return await self.open_session(
                    session,
                    person,
                    post_id=post_id,
                    device=device,
                    network=proof.network,
                    provider=None,
                    now=now,
                )
        raise SignInRefused

    async def open_session(
        self,
        session: AsyncSession,
        person: Person,
        *,
        post_id: UUID | None,
        device: Device,
        network: str | None,
        provider: str | None,
        now: datetime,
    ) -> Opened:
        """Begin a session of a locked person, admitted by password or by a provider.

        Raises:
            SecondFactorRequired, ChoosePost, NoPost, InvalidInput: see `sign_in`.
        """
        held = _chosen(await self._held(session, person), post_id)
        if is_administrators(held.post.role) and person.totp_sealed is None:
            raise SecondFactorRequired
        forgive(person)
        person.last_sign_in_at = now
        return await begin(
            session,
            person,
            held,
            device=device,
            policy=self.policy,
            came=Came(network, provider),
            now=now,
        )

    async def _held(self, session: AsyncSession, person: Person) -> list[HeldPost]:
        return list(await queries.held_on(session, person.city_code, person.id, self._today))

    async def change_password(self, proof: PersonsProof, new_password: str) -> None:
        """Change the password of a person who proves who they are; all of their sessions end.

        Raises:
            InvalidInput: the new one violates the policy, or is one of their last.
            SignInRefused, SecondFactorNeeded, SignInBusy, SecretKeyNotSet: see `sign_in`.
        """
        faults = list(password_faults(new_password, (), NEW_PASSWORD))
        if faults:
            raise InvalidInput(faults=faults)
        tried = await try_password(self.database, self.hasher, proof)
        async with self.database.transaction() as session:
            person = await admitted(session, tried, proof, seal=self.seal, now=self._now)
            if person is not None:
                forgive(person)
        # Only now, so that neither answer nor delay reveals anything to somebody not admitted.
        if person is None:
            raise SignInRefused
        made = await self._new_hash(tried.city_code, tried.person_id, new_password)
        async with self.database.transaction() as session:
            person = await queries.person(
                session, tried.city_code, tried.person_id, for_update=True
            )
            if person is None or person.password_hash != tried.password_hash:
                raise SignInRefused
            await self._set_password(session, person, made, self._now)

    async def accept(self, invitation: str, new_password: str) -> Person:
        """Set the first password with an invitation, which is used up; return the person.

        Raises:
            InvitationRefused: it is unknown, used or too old.
            InvalidInput: the password violates the policy, or is one of their last.
            SignInBusy: the queue is full.
        """
        city_code, sent = _label_of(invitation), digest(invitation)
        enter_city(city_code)
        async with self.database.sessions() as session:
            found = await queries.person_by_invitation(session, city_code, sent, self._now)
        if found is None:
            raise InvitationRefused
        made = await self._new_hash(city_code, found.id, new_password)
        now = self._now
        async with self.database.transaction() as session:
            person = await queries.person(session, city_code, found.id, for_update=True)
            if (
                person is None
                or person.invitation_digest != sent
                or person.invitation_until is None
                or person.invitation_until <= now
                or person.ended_at is not None
            ):
                raise InvitationRefused
            person.invitation_digest = person.invitation_until = None
            forgive(person)
            await self._set_password(session, person, made, now)
            return person

    async def _new_hash(self, city_code: str, person_id: UUID, new_password: str) -> str:
        """Return the hash of a person's new password.

        Raises:
            InvalidInput: it violates the policy, or is one of their last.
        """
        async with self.database.sessions() as session:
            person = await queries.person(session, city_code, person_id)
        if person is None:
            raise SignInRefused
        names = (person.username, person.name)
        faults = list(password_faults(new_password, names, NEW_PASSWORD))
        kept = [person.password_hash] if person.password_hash else []
        former = [*kept, *person.former_passwords][:KEPT_FORMER]
        if not faults and await self.hasher.is_one_of(former, new_password):
            faults.append(used_before(NEW_PASSWORD))
        if faults:
            raise InvalidInput(faults=faults)
        return await self.hasher.made(new_password)

    async def _set_password(
        self, session: AsyncSession, person: Person, made: str, now: datetime
    ) -> None:
        kept = [person.password_hash] if person.password_hash else []
        person.former_passwords = [*kept, *person.former_passwords][: KEPT_FORMER - 1]
        person.password_hash, person.password_set_at = made, now
        person.version += 1
        await session.flush()
        stamp = person_stamp(person.id)
        await note_of(session, "user", person, "password.set", actor=stamp, at=now)
        await end_all(session, person, "password_changed", actor=stamp, now=now)

    async def set_up_factor(self, proof: PersonsProof) -> NewFactor:
        """Give a person who proves who they are a new second factor; its first code activates it.

        Raises:
            SignInRefused, SecondFactorNeeded, SignInBusy, SecretKeyNotSet: see `sign_in`.
        """
        if self.seal is None:
            raise SecretKeyNotSet
        tried = await try_password(self.database, self.hasher, proof)
        now = self._now
        async with self.database.transaction() as session:
            person = await admitted(session, tried, proof, seal=self.seal, now=now)
            if person is not None:
                forgive(person)
                secret, codes = new_secret(), new_recovery_codes()
                # Until one of its codes is used, the former recovery codes stay valid.
                person.totp_pending_sealed = self.seal.seal(
                    with_recovery(secret, codes), pending_context(person.id)
                )
                person.version += 1
                await session.flush()
                await note_of(
                    session,
                    "user",
                    person,
                    "second_factor.begun",
                    actor=person_stamp(person.id),
                    at=now,
                )
                return NewFactor(shown(secret), address(secret, proof.username), codes)
        raise SignInRefused

    async def refresh(self, token: str, proof: str | None) -> Opened:
        """Refresh a session: the token is used up, and replaced by another.

        A token that comes a second time has been copied: the session ends, and its owner is told.

        Raises:
            Reauthenticate: the session has ended, or the token is not its own.
        """
        city_code, now = _label_of(token, REFRESH_LABEL), self._now
        enter_city(city_code)
        async with self.database.transaction() as session:
            opened = await self._refreshed(session, city_code, token, proof, now)
            if opened is not None:
                return opened
        raise Reauthenticate

    async def _refreshed(
        self, session: AsyncSession, city_code: str, token: str, proof: str | None, now: datetime
    ) -> Opened | None:
        sent = digest(token)
        kept = await queries.refresh_token(session, city_code, sent)
        if kept is None:
            return None
        sign_in = await queries.sign_in(session, city_code, kept.sign_in_id, for_update=True)
        if sign_in is None or sign_in.ended_at is not None:
            return None
        # Read again under the lock: of two concurrent requests, the second finds it used.
        kept = await queries.refresh_token(session, city_code, sent)
        if kept is None or kept.used_at is not None:
            stamp = person_stamp(sign_in.person_id)
            await end(session, sign_in, "reused", actor=stamp, now=now)
            return None
        held = await self._goes_on(session, sign_in, token, proof, now)
        if held is None:
            return None
        await session.execute(USE_REFRESH_TOKEN, {"city": city_code, "digest": sent, "now": now})
        bound = sign_in.device_key is not None
        sign_in.refreshed_at = now
        sign_in.idle_until = self.policy.idle_until(now, sign_in.ends_at, bound=bound)
        return Opened(sign_in, held, await give_refresh_token(session, sign_in, now))

    async def _goes_on(
        self, session: AsyncSession, sign_in: SignIn, token: str, proof: str | None, now: datetime
    ) -> HeldPost | None:
        """Return the post of a session; None: it is over, or the device's proof is wrong."""
        if min(sign_in.idle_until, sign_in.ends_at) <= now:
            return None
        key = sign_in.device_key
        if key is not None and not is_proof(proof, token, key):
            return None
        held = await queries.held_on(session, sign_in.city_code, sign_in.person_id, self._today)
        return next((one for one in held if one.tenure.id == sign_in.tenure_id), None)


def _chosen(held: list[HeldPost], post_id: UUID | None) -> HeldPost:
    if post_id is not None:
        named = next((one for one in held if one.post.id == post_id), None)
        if named is None:
            said = Text("目前不担任该岗位", "That post is not held at present")
            raise InvalidInput(faults=[Fault("/post_id", "post-not-held", said, str(post_id))])
        return named
    if not held:
        raise NoPost
    if len(held) > 1:
        told = [
            {
                "id": str(one.post.id),
                "title": one.post.title,
                "role": one.post.role,
                "organization_code": one.post.organization_code,
            }
            for one in held
        ]
        raise ChoosePost(extra={"posts": told})
    return held[0]


def _label_of(secret: str, label: str = "invite") -> str:
    """Return the city in a secret of ours; of any other secret a code that no city has."""
    parts = secret.split("_", _LABEL_PARTS - 1)
    ours = len(parts) == _LABEL_PARTS and len(secret) <= LONGEST_SECRET and parts[0] == label
    return parts[1] if ours and secret.isascii() and secret.isprintable() else "-"

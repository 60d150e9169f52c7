"""Authenticates by password or account, and code; six wrong attempts lock for ten minutes.

A check takes two short transactions, with the hashing between them while no connection is held.
The second one decides, with the person's row locked: of concurrent attempts, those decided after
the sixth wrong one are refused, right or not. Neither the answer nor the work done for it reveals
whether a user exists or is locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note, note_of
from services.core.identity.actor import system
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import enter_city
from services.core.kit.database import Database
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.sealing import CannotUnseal, Seal, SecretKeyNotSet
from services.core.kit.text import Text
from services.core.people import queries
from services.core.people.errors import SecondFactorNeeded
from services.core.people.hashing import Hasher
from services.core.people.models import Person
from services.core.people.provider_calls import SentCode
from services.core.people.second_factor import (
    looks_like_totp,
    pending_context,
    pending_parts,
    recovery_digest,
    step_of,
    totp_context,
)
from services.core.people.sessions import person_stamp
from services.core.people.statements import COUNT_FAILURE

MOST_FAILURES = 6
LOCKED_FOR = timedelta(minutes=10)
_NO_CITY = "-"


@dataclass(frozen=True, slots=True)
class PersonsProof:
    """Sign-in data; `city_code` None: the only city there is, `code` None: no code was given."""

    city_code: str | None
    username: str
    password: str
    code: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class AccountProof:
    """Sign-in data by an app: the app's code, and a second-factor code or None."""

    city_code: str | None
    provider: str
    sent: SentCode
    code: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """The first half of a check: whose row to lock, and whether the password was right.

    If nobody was found, `person_id` is a fresh id that belongs to nobody.
    """

    city_code: str
    person_id: UUID
    password_hash: str | None
    is_right: bool

    reason: ClassVar[str] = "password"

    def holds(self, person: Person) -> bool:
        """Return whether the password was right, and still is the person's."""
        same = person.password_hash is not None and person.password_hash == self.password_hash
        return self.is_right and same


@dataclass(frozen=True, slots=True)
class TriedAccount:
    """The owner of an account; if it has none, `person_id` is a fresh id of nobody."""

    city_code: str
    person_id: UUID
    is_linked: bool

    reason: ClassVar[str] = "account"

    def holds(self, person: Person) -> bool:
        """Return whether the account is linked to somebody who may sign in at all."""
        return self.is_linked and person.password_hash is not None


async def try_password(database: Database, hasher: Hasher, proof: PersonsProof) -> Tried:
    """Verify a password, as far as that is possible without a lock.

    Raises:
        SignInBusy: the queue is full.
        InvalidInput: see `city_meant`.
    """
    async with hasher.turn():
        async with database.sessions() as session:
            city_code = await city_meant(session, proof.city_code)
            found = await queries.person_by_username(session, city_code, proof.username.casefold())
        kept = None if found is None or found.ended_at is not None else found.password_hash
        right = await hasher.is_right(kept, proof.password)
    return Tried(city_code, new_id() if found is None else found.id, kept, right)


async def city_meant(session: AsyncSession, said: str | None) -> str:
    """Return the given city, or else the only one, or else a code that no city has; enter it.

    Raises:
        InvalidInput: there are several cities, and none is given. That reveals no user.
    """
    city_code = said or await _only_city(session)
    enter_city(city_code)
    return city_code


async def _only_city(session: AsyncSession) -> str:
    codes = await city_codes(session, limit=2)
    if len(codes) > 1:
        said = Text(
            "本系统有多个城市，请填写所在城市的代码，如 410183",
            "There are several cities here: say the code of yours, such as 410183",
        )
        raise InvalidInput(faults=[Fault("/city_code", "missing", said)])
    return codes[0] if codes else _NO_CITY


async def admitted(
    session: AsyncSession,
    tried: Tried | TriedAccount,
    proof: PersonsProof | AccountProof,
    *,
    seal: Seal | None,
    now: datetime,
) -> Person | None:
    """Return the admitted person, locked; None: the failure is counted, which must be committed.

    Raises:
        SecondFactorNeeded: the password was right, and a code is needed too.
        SecretKeyNotSet: this deployment has no key to open second factors with.
    """
    person = await queries.person(session, tried.city_code, tried.person_id, for_update=True)
    if person is not None and _stands(person, tried, now):
        if await _code_is_right(session, person, proof.code, seal, now):
            return person
        reason = "code"
    else:
        reason = tried.reason
    locked = await session.execute(
        COUNT_FAILURE,
        {
            "city": tried.city_code,
            "id": tried.person_id,
            "most": MOST_FAILURES,
            "until": now + LOCKED_FOR,
            "now": now,
        },
    )
    counted = locked.first()
    if counted is None:
        reason = "unknown" if person is None else "locked"
    if tried.city_code != _NO_CITY:
        await _note_refusal(session, tried, person, proof.network, reason, now)
    if counted is not None and counted[0] is not None:
        await _note(session, tried, "user.locked", {"until": counted[0].isoformat()}, now)
    return None


def _stands(person: Person, tried: Tried | TriedAccount, now: datetime) -> bool:
    """Return whether a right proof still counts, now that the person's row is locked."""
    locked = person.locked_until is not None and person.locked_until > now
    return tried.holds(person) and person.ended_at is None and not locked


async def _code_is_right(
    session: AsyncSession, person: Person, code: str | None, seal: Seal | None, now: datetime
) -> bool:
    """Return whether a code is right, or none is needed; a code that is right is used up."""
    if person.totp_sealed is None and code is None:
        return True
    if code is None:
        raise SecondFactorNeeded
    if not looks_like_totp(code):
        return await _use_recovery_code(session, person, code, now)
    if seal is None:
        raise SecretKeyNotSet
    step = _step(seal, person.totp_sealed, totp_context(person.id), code, person.totp_step, now)
    if step is None:
        sealed = person.totp_pending_sealed
        step = _step(seal, sealed, pending_context(person.id), code, 0, now)
        if step is None or sealed is None:
            return False
        await _activate(session, person, sealed, seal, now)
    person.totp_step = step
    await session.flush()
    return True


def _step(
    seal: Seal, sealed: bytes | None, context: str, code: str, after: int, now: datetime
) -> int | None:
    if sealed is None:
        return None
    try:
        secret, _ = pending_parts(seal.unseal(sealed, context))
    except CannotUnseal:
        raise SecretKeyNotSet from None
    return step_of(secret, code, now, after=after)


async def _activate(
    session: AsyncSession, person: Person, sealed: bytes, seal: Seal, now: datetime
) -> None:
    """Activate the pending second factor, because its first code was used."""
    secret, digests = pending_parts(seal.unseal(sealed, pending_context(person.id)))
    person.recovery_digests = digests or person.recovery_digests
    person.totp_sealed = seal.seal(secret, totp_context(person.id))
    person.totp_pending_sealed = None
    person.version += 1
    stamp = person_stamp(person.id)
    await note_of(session, "user", person, "second_factor.set", actor=stamp, at=now)


async def _use_recovery_code(
    session: AsyncSession, person: Person, code: str, now: datetime
) -> bool:
    used = recovery_digest(code)
    if person.totp_sealed is None or used not in person.recovery_digests:
        return False
    person.recovery_digests = [one for one in person.recovery_digests if one != used]
    person.version += 1
    await session.flush()
    left = {"left": len(person.recovery_digests)}
    stamp = person_stamp(person.id)
    await note_of(session, "user", person, "recovery_code.used", actor=stamp, data=left, at=now)
    return True


def forgive(person: Person) -> None:
    """Reset a locked person's failures, because they proved who they are."""
    person.failures, person.locked_until = 0, None


async def _note_refusal(
    session: AsyncSession,
    tried: Tried | TriedAccount,
    person: Person | None,
    network: str | None,
    reason: str,
    now: datetime,
) -> None:
    """Audit a refusal, without an unknown user's name: it may be a mistyped password."""
    subject = "-" if person is None else str(person.id)
    await note(
        session,
        city_code=tried.city_code,
        action="session.refused",
        subject=("user", subject),
        actor=system("sign-in"),
        data={"network": network, "reason": reason},
        at=now,
    )


async def _note(
    session: AsyncSession,
    tried: Tried | TriedAccount,
    action: AuditAction,
    data: Mapping[str, object],
    now: datetime,
) -> None:
    await note(
        session,
        city_code=tried.city_code,
        action=action,
        subject=("user", str(tried.person_id)),
        actor=system("sign-in"),
        data=data,
        at=now,
    )

"""Sessions: begun, refreshed, and ended. The audit records each end and its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.kit.ids import new_id
from services.core.kit.secrets import mint
from services.core.people import queries
from services.core.people.models import Person, RefreshToken, SignIn
from services.core.people.queries import HeldPost
from services.core.people.statements import FORGET_SESSIONS

Because = Literal[
    "signed_out", "ended", "reused", "too_many", "password_changed", "invited", "user_ended"
]

REFRESH_LABEL = "refresh"
TOLD_FOR = timedelta(days=30)
"""How long a user is told that a refresh token of theirs was used twice."""

_KEPT = timedelta(days=90)
_MOST_FORGOTTEN = 500


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session lasts without a refresh, and at most; longer if bound to a device."""

    idle: timedelta
    longest: timedelta
    offline: timedelta
    longest_of_device: timedelta

    def ends(self, started: datetime, *, bound: bool) -> datetime:
        """Return the latest end of a session."""
        return started + (self.longest_of_device if bound else self.longest)

    def idle_until(self, now: datetime, ends: datetime, *, bound: bool) -> datetime:
        """Return the time by which it has to be refreshed."""
        return min(ends, now + (self.offline if bound else self.idle))


@dataclass(frozen=True, slots=True)
class Device:
    """A client's description of its device; with a key the session is bound to the device."""

    name: str | None = None
    key: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """The network that somebody signed in from, and the provider; None: by a password."""

    network: str | None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was begun or refreshed, with its next refresh token."""

    sign_in: SignIn
    held: HeldPost
    refresh_token: str


def person_stamp(person_id: UUID, held: HeldPost | None = None) -> dict[str, object]:
    """Return the audit's record of a person who acts outside a session."""
    post = None if held is None else held.post
    return {
        "kind": "user",
        "id": str(person_id),
        "name": "" if post is None else post.title,
        "post": None if post is None else post.title,
        "role": None if post is None else post.role,
        "organization_code": None if post is None else post.organization_code,
        "channel": "api",
    }


async def begin(
    session: AsyncSession,
    person: Person,
    held: HeldPost,
    *,
    device: Device,
    policy: SessionPolicy,
    came: Came,
    now: datetime,
) -> Opened:
    """Begin a session of a locked person in a post; beyond the limit the oldest session ends."""
    stamp = person_stamp(person.id, held)
    already = await queries.open_of_person(session, person.city_code, person.id, now)
    for oldest in already[: max(0, len(already) + 1 - queries.MOST_SESSIONS)]:
        await end(session, oldest, "too_many", actor=stamp, now=now)
    bound = device.key is not None
    ends = policy.ends(now, bound=bound)
    sign_in = SignIn(
        city_code=person.city_code,
        id=new_id(),
        person_id=person.id,
        tenure_id=held.tenure.id,
        device_name=device.name,
        device_key=None if device.key is None else dict(device.key),
        network=came.network,
        provider=came.provider,
        started_at=now,
        refreshed_at=now,
        idle_until=policy.idle_until(now, ends, bound=bound),
        ends_at=ends,
        ended_at=None,
        ended_because=None,
    )
    session.add(sign_in)
    await session.flush()
    told = {"network": came.network, "bound": bound, "provider": came.provider}
    await _note(session, sign_in, "session.started", stamp, told, now)
    return Opened(sign_in, held, await give_refresh_token(session, sign_in, now))


async def give_refresh_token(session: AsyncSession, sign_in: SignIn, now: datetime) -> str:
    """Make the next refresh token; its text is shown only this once."""
    minted = mint(f"{REFRESH_LABEL}_{sign_in.city_code}")
    session.add(
        RefreshToken(
            city_code=sign_in.city_code,
            digest=minted.digest,
            sign_in_id=sign_in.id,
            made_at=now,
            used_at=None,
        )
    )
    await session.flush()
    return minted.text


async def end(
    session: AsyncSession,
    sign_in: SignIn,
    because: Because,
    *,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """End a locked session; idempotent."""
    if sign_in.ended_at is not None:
        return
    sign_in.ended_at, sign_in.ended_because = now, because
    await session.flush()
    action: AuditAction = "session.refresh_reused" if because == "reused" else "session.ended"
    await _note(session, sign_in, action, actor, {"because": because}, now)


async def end_all(
    session: AsyncSession,
    person: Person,
    because: Because,
    *,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """End every session of a locked person."""
    for one in await queries.open_of_person(session, person.city_code, person.id, now):
        await end(session, one, because, actor=actor, now=now)


async def _note(
    session: AsyncSession,
    sign_in: SignIn,
    action: AuditAction,
    actor: Mapping[str, object],
    data: Mapping[str, object],
    now: datetime,
) -> None:
    told = {"user_id": str(sign_in.person_id), **data}
    await note_of(session, "session", sign_in, action, actor=actor, data=told, at=now)


async def forget_old_sessions(session: AsyncSession, city_code: str, *, now: datetime) -> None:
    """Delete a batch of a city's sessions that ended more than 90 days ago."""
    given = {"city": city_code, "before": now - _KEPT, "most": _MOST_FORGOTTEN}
    await session.execute(FORGET_SESSIONS, given)

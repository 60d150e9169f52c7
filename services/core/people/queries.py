"""Reads people, posts, tenures of posts, and sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.models import ApiKey
from services.core.identity.rules import Scope
from services.core.kit.idempotency import StoredReply
from services.core.people.models import (
    LinkedAccount,
    Person,
    PostTenure,
    Provider,
    RefreshToken,
    SignIn,
    StaffPost,
)

MOST_TENURES = 100
"""Most tenures read of a person, or of a post: the newest."""

_KEEPS_USERS: Scope = "users:write"

MOST_SESSIONS = 20
"""Most open sessions of a person."""

MOST_PROVIDERS = 20
"""Most providers of a city."""


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post, and a tenure of it."""

    tenure: PostTenure
    post: StaffPost


async def person_by_username(session: AsyncSession, city_code: str, username: str) -> Person | None:
    """Return the person with this username."""
    return await session.scalar(
        select(Person).where(Person.city_code == city_code, Person.username == username)
    )


async def person_by_invitation(
    session: AsyncSession, city_code: str, digest: bytes, now: datetime
) -> Person | None:
    """Return the person with this invitation, if it is still valid."""
    return await session.scalar(
        select(Person).where(
            Person.city_code == city_code,
            Person.invitation_digest == digest,
            Person.invitation_until > now,
            Person.ended_at.is_(None),
        )
    )


async def person(
    session: AsyncSession, city_code: str, person_id: UUID, *, for_update: bool = False
) -> Person | None:
    """Return a person; with `for_update` locked and freshly read."""
    wanted = select(Person).where(Person.city_code == city_code, Person.id == person_id)
    if for_update:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(wanted)


async def people(
    session: AsyncSession, city_code: str, *, after: UUID | None, limit: int
) -> Sequence[Person]:
    """Return people of a city, the oldest entry first, after an id."""
    wanted = select(Person).where(Person.city_code == city_code)
    if after is not None:
        wanted = wanted.where(Person.id > after)
    return (await session.scalars(wanted.order_by(Person.id).limit(limit))).all()


async def names_of(
    session: AsyncSession, city_code: str, ids: Sequence[UUID]
) -> Mapping[UUID, str]:
    """Return the names of people who have not been erased, by id."""
    found = await session.execute(
        select(Person.id, Person.name).where(
            Person.city_code == city_code, Person.id.in_(ids), Person.name.is_not(None)
        )
    )
    return {person_id: name for person_id, name in found if name is not None}


async def post(
    session: AsyncSession, city_code: str, post_id: UUID, *, for_update: bool = False
) -> StaffPost | None:
    """Return a post."""
    wanted = select(StaffPost).where(StaffPost.city_code == city_code, StaffPost.id == post_id)
    return await session.scalar(wanted.with_for_update() if for_update else wanted)


async def posts(
    session: AsyncSession, city_code: str, *, after: UUID | None, limit: int
) -> Sequence[StaffPost]:
    """Return posts of a city, the oldest first, after an id."""
    wanted = select(StaffPost).where(StaffPost.city_code == city_code)
    if after is not None:
        wanted = wanted.where(StaffPost.id > after)
    return (await session.scalars(wanted.order_by(StaffPost.id).limit(limit))).all()


async def _held(
    session: AsyncSession, city_code: str, condition: ColumnElement[bool], limit: int
) -> Sequence[HeldPost]:
    found = await session.execute(
        select(PostTenure, StaffPost)
        .join(
            StaffPost,
            and_(StaffPost.city_code == PostTenure.city_code, StaffPost.id == PostTenure.post_id),
        )
        .where(PostTenure.city_code == city_code, StaffPost.city_code == city_code, condition)
        .order_by(PostTenure.id.desc())
        .limit(limit)
    )
    return [HeldPost(*row) for row in found]


async def held_by(
    session: AsyncSession, city_code: str, people_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[HeldPost]]:
    """Return people's past, present and future posts, latest first, by person."""
    limit = MOST_TENURES * max(1, len(people_ids))
    rows = await _held(session, city_code, PostTenure.person_id.in_(people_ids), limit)
    return {
        each: [one for one in rows if one.tenure.person_id == each][:MOST_TENURES]
        for each in people_ids
    }


async def holders_of(
    session: AsyncSession, city_code: str, post_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[HeldPost]]:
    """Return the past, present and future tenures of some posts, latest first, by post."""
    limit = MOST_TENURES * max(1, len(post_ids))
    rows = await _held(session, city_code, PostTenure.post_id.in_(post_ids), limit)
    return {each: [one for one in rows if one.post.id == each][:MOST_TENURES] for each in post_ids}


def in_force(today: date) -> ColumnElement[bool]:
    """Return the condition on tenures that have begun and not ended."""
    return and_(PostTenure.since <= today, unended(today))


def unended(day: date) -> ColumnElement[bool]:
    """Return the condition on tenures that have not ended before a day."""
    return and_(
        PostTenure.ended_at.is_(None), or_(PostTenure.until.is_(None), PostTenure.until >= day)
    )


async def held_on(
    session: AsyncSession, city_code: str, person_id: UUID, today: date
) -> Sequence[HeldPost]:
    """Return the posts that a person holds on a day, the latest first."""
    condition = and_(PostTenure.person_id == person_id, in_force(today))
    return await _held(session, city_code, condition, MOST_TENURES)


async def unended_tenures(
    session: AsyncSession, city_code: str, today: date, *, person_id: UUID
) -> Sequence[HeldPost]:
    """Return a person's tenures that have not ended before a day."""
    condition = and_(PostTenure.person_id == person_id, unended(today))
    return await _held(session, city_code, condition, MOST_TENURES)


def _is_open(now: datetime) -> ColumnElement[bool]:
    return and_(SignIn.ended_at.is_(None), SignIn.ends_at > now)


async def open_sessions(
    session: AsyncSession, city_code: str, tenure_id: UUID, now: datetime
) -> Mapping[str, datetime | None]:
    """Return the latest possible end of each open session of a tenure, by session id."""
    found = await session.execute(
        select(SignIn.id, SignIn.ends_at)
        .where(SignIn.city_code == city_code, SignIn.tenure_id == tenure_id, _is_open(now))
        .order_by(SignIn.id.desc())
        .limit(MOST_SESSIONS)
    )
    return {str(sign_in_id): ends_at for sign_in_id, ends_at in found}


async def open_of_person(
    session: AsyncSession, city_code: str, person_id: UUID, now: datetime
) -> Sequence[SignIn]:
    """Return a person's open sessions, the oldest first, locked."""
    found = await session.scalars(
        select(SignIn)
        .where(SignIn.city_code == city_code, SignIn.person_id == person_id, _is_open(now))
        .order_by(SignIn.id)
        .with_for_update()
    )
    return found.all()


async def sign_in(
    session: AsyncSession, city_code: str, sign_in_id: UUID, *, for_update: bool = False
) -> SignIn | None:
    """Return a session; with `for_update` locked and freshly read."""
    wanted = select(SignIn).where(SignIn.city_code == city_code, SignIn.id == sign_in_id)
    if for_update:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(wanted)


async def sign_ins(
    session: AsyncSession,
    city_code: str,
    *,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[SignIn]:
    """Return sessions of a person, or of the city, the newest first, before an id."""
    wanted = select(SignIn).where(SignIn.city_code == city_code)
    if person_id is not None:
        wanted = wanted.where(SignIn.person_id == person_id)
    if after is not None:
        wanted = wanted.where(SignIn.id < after)
    return (await session.scalars(wanted.order_by(SignIn.id.desc()).limit(limit))).all()


async def reused_lately(
    session: AsyncSession, city_code: str, person_id: UUID, since: datetime
) -> Sequence[SignIn]:
    """Return a person's sessions ended since an instant because a refresh token was used twice."""
    found = await session.scalars(
        select(SignIn)
        .where(
            SignIn.city_code == city_code,
            SignIn.person_id == person_id,
            SignIn.ended_because == "reused",
            SignIn.ended_at > since,
        )
        .order_by(SignIn.id.desc())
        .limit(MOST_SESSIONS)
    )
    return found.all()


async def refresh_token(
    session: AsyncSession, city_code: str, digest: bytes
) -> RefreshToken | None:
    """Return a refresh token, used or not, freshly read."""
    return await session.scalar(
        select(RefreshToken)
        .where(RefreshToken.city_code == city_code, RefreshToken.digest == digest)
        .execution_options(populate_existing=True)
    )


async def has_person(session: AsyncSession, city_code: str, username: str) -> bool:
    """Return whether somebody of the city has this username."""
    found = await session.scalar(
        select(func.count()).where(Person.city_code == city_code, Person.username == username)
    )
    return bool(found)


async def session_ids(session: AsyncSession, city_code: str, person_id: UUID) -> Sequence[UUID]:
    """Return the ids of all sessions of a person that have not been deleted yet."""
    found = await session.scalars(
        select(SignIn.id).where(SignIn.city_code == city_code, SignIn.person_id == person_id)
    )
    return found.all()


async def replies_about(
    session: AsyncSession, city_code: str, person_id: UUID
) -> Sequence[StoredReply]:
    """Return the stored idempotent replies that contain a person's id, and so perhaps their name.

    Only replies to credentials that manage users, and to the person's own, can contain it.
    """
    asked = select(ApiKey.id).where(
        ApiKey.city_code == city_code,
        or_(ApiKey.scopes.contains([_KEEPS_USERS]), ApiKey.person_id == person_id),
    )
    found = await session.scalars(
        select(StoredReply).where(
            StoredReply.city_code == city_code,
            StoredReply.credential_id.in_(asked),
            func.pg_catalog.position(StoredReply.body, str(person_id).encode()) > 0,
        )
    )
    return found.all()


async def provider(
    session: AsyncSession, city_code: str, provider_id: UUID, *, for_update: bool = False
) -> Provider | None:
    """Return a provider, ended or not."""
    wanted = select(Provider).where(Provider.city_code == city_code, Provider.id == provider_id)
    return await session.scalar(wanted.with_for_update() if for_update else wanted)


async def provider_by_code(session: AsyncSession, city_code: str, code: str) -> Provider | None:
    """Return the provider with this code that has not ended, freshly read."""
    return await session.scalar(
        select(Provider)
        .where(Provider.city_code == city_code, Provider.code == code, Provider.ended_at.is_(None))
        .execution_options(populate_existing=True)
    )


async def standing_providers(session: AsyncSession, city_code: str) -> Sequence[Provider]:
    """Return the providers of a city that have not ended, ordered by code."""
    found = await session.scalars(
        select(Provider)
        .where(Provider.city_code == city_code, Provider.ended_at.is_(None))
        .order_by(Provider.code)
        .limit(MOST_PROVIDERS)
    )
    return found.all()


async def providers(
    session: AsyncSession, city_code: str, *, after: UUID | None, limit: int
) -> Sequence[Provider]:
    """Return providers of a city, the oldest first, after an id; those that have ended too."""
    wanted = select(Provider).where(Provider.city_code == city_code)
    if after is not None:
        wanted = wanted.where(Provider.id > after)
    return (await session.scalars(wanted.order_by(Provider.id).limit(limit))).all()


async def linked_person(
    session: AsyncSession, city_code: str, provider_id: UUID, digest: bytes
) -> UUID | None:
    """Return the id of the person who has linked this account."""
    return await session.scalar(
        select(LinkedAccount.person_id).where(
            LinkedAccount.city_code == city_code,
            LinkedAccount.provider_id == provider_id,
            LinkedAccount.digest == digest,
        )
    )


async def linked_providers(
    session: AsyncSession, city_code: str, people_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[str]]:
    """Return the codes of the providers whose accounts people have linked, sorted, by person."""
    rows = await session.execute(
        select(LinkedAccount.person_id, Provider.code)
        .join(
            Provider,
            and_(
                Provider.city_code == LinkedAccount.city_code,
                Provider.id == LinkedAccount.provider_id,
            ),
        )
        .where(
            LinkedAccount.city_code == city_code,
            Provider.city_code == city_code,
            LinkedAccount.person_id.in_(people_ids),
        )
        .order_by(Provider.code)
    )
    found: dict[UUID, list[str]] = {each: [] for each in people_ids}
    for person_id, code in rows:
        found[person_id].append(code)
    return found

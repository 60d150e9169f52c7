"""Users: entered, invited, changed, ended when they leave, and erased while history stays."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.identity.actor import Actor
from services.core.identity.service import forget_networks
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.secrets import mint
from services.core.kit.text import Text
from services.core.people import queries
from services.core.people.accounts import unlink_all
from services.core.people.errors import OwnPost, UserEnded, UserNotEnded
from services.core.people.models import Person, RefreshToken, SignIn
from services.core.people.posts import end_tenure
from services.core.people.sessions import end_all

INVITATION_GOOD_FOR = timedelta(days=3)
_LABEL = "invite"
_PERSONAL = ("username", "name", "device", "network")
"""Members of answers about users and sessions that are personal."""


async def create_user(
    session: AsyncSession, *, username: str, name: str, actor: Actor, now: datetime
) -> tuple[Person, str]:
    """Create a user, and return them with their invitation, which is shown only this once.

    Raises:
        InvalidInput: somebody has this username already.
    """
    await _check_username(session, actor.city_code, username)
    person = Person(
        city_code=actor.city_code,
        id=new_id(),
        username=username,
        name=name,
        former_passwords=[],
        totp_step=0,
        recovery_digests=[],
        failures=0,
        created_at=now,
        version=1,
    )
    session.add(person)
    text = _invite(person, now)
    await session.flush()
    await note_of(session, "user", person, "user.created", actor=actor.stamp(), at=now)
    return person, text


async def _check_username(session: AsyncSession, city_code: str, username: str) -> None:
    # If two people take a name at once, the second waits and is then refused.
    await lock_name(session, f"username {city_code} {username}")
    if await queries.has_person(session, city_code, username):
        said = Text("该用户名已被使用", "Somebody is called so already")
        raise InvalidInput(faults=[Fault("/username", "username-taken", said, username)])


def _invite(person: Person, now: datetime) -> str:
    minted = mint(f"{_LABEL}_{person.city_code}")
    person.invitation_digest = minted.digest
    person.invitation_until = now + INVITATION_GOOD_FOR
    return minted.text


async def edit_user(
    session: AsyncSession,
    person: Person,
    *,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Change those of `username` and `name` that are given, of a locked person.

    Raises:
        UserEnded: they have left.
        InvalidInput: somebody has this username already.
    """
    if person.ended_at is not None:
        raise UserEnded
    changed = {key: value for key, value in changes.items() if getattr(person, key) != value}
    if not changed:
        return
    if "username" in changed:
        await _check_username(session, person.city_code, changed["username"])
    for key, value in changed.items():
        setattr(person, key, value)
    person.version += 1
    await session.flush()
    await note_of(
        session,
        "user",
        person,
        "user.changed",
        actor=actor.stamp(),
        data={"changed": sorted(changed)},
        at=now,
    )


async def invite(session: AsyncSession, person: Person, *, actor: Actor, now: datetime) -> str:
    """Give a locked person a new invitation: password, second factor, links and sessions end now.

    Raises:
        UserEnded: they have left.
        OwnPost: the person is the actor.
    """
    _check_other(person, actor)
    if person.ended_at is not None:
        raise UserEnded
    text = _invite(person, now)
    if person.password_hash is not None:
        person.former_passwords = [person.password_hash, *person.former_passwords]
    person.password_hash = None
    _forget_factor(person)
    person.version += 1
    await session.flush()
    await note_of(session, "user", person, "user.invited", actor=actor.stamp(), at=now)
    await unlink_all(session, person, actor=actor.stamp(), now=now)
    await end_all(session, person, "invited", actor=actor.stamp(), now=now)
    return text


def _forget_factor(person: Person) -> None:
    person.totp_sealed = person.totp_pending_sealed = None
    person.recovery_digests = []
    person.failures, person.locked_until = 0, None


def _check_other(person: Person, actor: Actor) -> None:
    if person.id == actor.person_id:
        raise OwnPost


async def end_user(
    session: AsyncSession, person: Person, *, actor: Actor, today: date, now: datetime
) -> None:
    """End a locked person who leaves, with all sessions and, as of today, all posts; idempotent.

    Raises:
        OwnPost: the person is the actor.
    """
    _check_other(person, actor)
    if person.ended_at is not None:
        return
    held = await queries.unended_tenures(session, person.city_code, today, person_id=person.id)
    for one in held:
        await end_tenure(session, one, last=today, at_once=True, actor=actor, now=now)
    person.ended_at = now
    person.password_hash = person.invitation_digest = person.invitation_until = None
    person.former_passwords = []
    _forget_factor(person)
    person.version += 1
    await session.flush()
    await note_of(session, "user", person, "user.ended", actor=actor.stamp(), at=now)
    await unlink_all(session, person, actor=actor.stamp(), now=now)
    await end_all(session, person, "user_ended", actor=actor.stamp(), now=now)


async def unlink_user(
    session: AsyncSession, person: Person, *, actor: Actor, now: datetime
) -> None:
    """Remove all account links of a locked person; without links nothing changes.

    Sessions that began through them go on.
    """
    if await unlink_all(session, person, actor=actor.stamp(), now=now):
        person.version += 1
        await session.flush()


async def erase_user(session: AsyncSession, person: Person, *, actor: Actor, now: datetime) -> None:
    """Erase the personal data of a locked person who has left; idempotent.

    The id stays, with the names of posts, because what they did is recorded under both. The audit
    stays too, with the networks that they came from, until its retention ends.

    Raises:
        UserNotEnded: they have not left.
        OwnPost: the person is the actor.
    """
    _check_other(person, actor)
    if person.ended_at is None:
        raise UserNotEnded
    if person.erased_at is not None:
        return
    person.username = person.name = None
    person.password_set_at = person.last_sign_in_at = None
    person.erased_at = now
    person.version += 1
    await session.flush()
    of_person = (SignIn.city_code == person.city_code, SignIn.person_id == person.id)
    await session.execute(
        update(SignIn)
        .where(*of_person)
        .values(device_name=None, device_key=None, network=None)
        .execution_options(synchronize_session=False)
    )
    await forget_networks(session, person.city_code, person.id)
    for reply in await queries.replies_about(session, person.city_code, person.id):
        said = from_json(reply.body or b"null")
        if _blanked(said, str(person.id)):
            reply.body = to_json(said)
    await session.execute(
        delete(RefreshToken)
        .where(
            RefreshToken.city_code == person.city_code,
            RefreshToken.sign_in_id.in_(
                await queries.session_ids(session, person.city_code, person.id)
            ),
        )
        .execution_options(synchronize_session=False)
    )
    await note_of(session, "user", person, "user.erased", actor=actor.stamp(), at=now)


def _blanked(said: object, person_id: str) -> bool:
    """Blank a person's data in a stored answer; return whether there was any."""
    if isinstance(said, list):
        return sum(_blanked(one, person_id) for one in said) > 0
    if not isinstance(said, dict):
        return False
    found = sum(_blanked(one, person_id) for one in said.values()) > 0
    if person_id in (said.get("id"), said.get("user_id")):
        # The author of an action keeps the name of the post, as in a history.
        left = {"name": said["post"]} if said.get("kind") == "user" else {}
        blank = {one: left.get(one) for one in _PERSONAL if said.get(one) != left.get(one)}
        said |= blank
        found = found or bool(blank)
    return found

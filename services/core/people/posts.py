"""Posts: created, and handed over from one person to the next; past holders stay on record.

Nobody appoints themselves: an administrator who is a person hands over to others only. Whoever
holds an administrator's post holds no other sort of post beside it, so that none of the three
administrators does another's work.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.calendars.rules import TIME_ZONE
from services.core.identity import queries as identity
from services.core.identity.actor import Actor
from services.core.identity.giving import KeyRequest, role_faults, unit_faults
from services.core.identity.models import ApiKey
from services.core.identity.rules import PostRole, go_together, scopes_of_role
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.horizons import TEN_YEARS, not_within
from services.core.kit.ids import new_id
from services.core.kit.nearest import with_closest
from services.core.kit.secrets import mint
from services.core.kit.text import Text
from services.core.people import queries
from services.core.people.errors import OwnPost
from services.core.people.models import Person, PostTenure, StaffPost
from services.core.people.queries import HeldPost

_NOBODYS = "post"
"""Label of a secret that is thrown away: a post's credential has none that anybody knows."""


@dataclass(frozen=True, slots=True)
class PostRequest:
    """The request for a new post."""

    title: str
    role: PostRole
    organization_code: str | None = None
    plan_code: str | None = None


async def create_post(
    session: AsyncSession,
    *,
    request: PostRequest,
    actor: Actor,
    plan_codes: Collection[str],
    now: datetime,
) -> StaffPost:
    """Make a post without a holder; `plan_codes` are the plans of the city.

    Raises:
        InvalidInput: the role lacks its unit, or a code is unknown.
    """
    faults: list[Fault] = []
    if request.plan_code is not None and request.plan_code not in plan_codes:
        said = Text("没有这个代码", "There is no such code")
        shown = with_closest(said, request.plan_code, {one: one for one in plan_codes})
        faults.append(Fault("/plan", "plan-not-found", shown, request.plan_code))
    code = request.organization_code
    found = await identity.organizations_by_code(
        session, city_code=actor.city_code, codes=[] if code is None else [code]
    )
    unit = found[0] if found else None
    names = {} if unit else await identity.organization_names(session, actor.city_code)
    asked = KeyRequest(request.title, request.role, code)
    faults += [*role_faults(asked), *unit_faults(asked, unit, names)]
    if faults:
        raise InvalidInput(faults=faults)
    post = StaffPost(
        city_code=actor.city_code,
        id=new_id(),
        title=request.title,
        role=request.role,
        organization_code=code,
        plan_code=request.plan_code,
        created_at=now,
        version=1,
    )
    session.add(post)
    await session.flush()
    told = {"title": post.title, "role": post.role, "organization_code": code}
    told["plan"] = post.plan_code
    await note_of(session, "post", post, "post.created", actor=actor.stamp(), data=told, at=now)
    return post


async def hand_over(
    session: AsyncSession,
    post: StaffPost,
    *,
    person_id: UUID | None,
    on: date,
    actor: Actor,
    today: date,
    now: datetime,
) -> None:
    """Hand a locked post over to somebody from a day on, None: to nobody.

    The present holder keeps it until the day before; if the day is today, they end at once.

    Raises:
        InvalidInput: the day has passed or is more than ten years ahead, there is no such person,
            or they hold posts that cannot be combined with this one.
        OwnPost: the person is the actor.
    """
    if person_id is not None and person_id == actor.person_id:
        raise OwnPost
    faults = not_within("/on", on, first=today, last=today + TEN_YEARS)
    person = None
    if person_id is not None:
        person = await queries.person(session, post.city_code, person_id, for_update=True)
        faults += await _holder_faults(session, post, person, person_id, on)
    if faults:
        raise InvalidInput(faults=faults)
    holders = (await queries.holders_of(session, post.city_code, [post.id]))[post.id]
    for one in holders:
        goes_on = one.tenure.until is None or one.tenure.until >= on
        if goes_on and one.tenure.ended_at is None:
            last = on - timedelta(days=1)
            await end_tenure(session, one, last=last, at_once=on == today, actor=actor, now=now)
    if person is not None:
        await _take_up(session, post, person, on, now)
    post.version += 1
    await session.flush()
    told = {"user_id": None if person is None else str(person.id), "on": on.isoformat()}
    await note_of(session, "post", post, "post.handed_over", actor=actor.stamp(), data=told, at=now)


async def _holder_faults(
    session: AsyncSession, post: StaffPost, person: Person | None, person_id: UUID, on: date
) -> Sequence[Fault]:
    if person is None or person.ended_at is not None:
        said = Text("没有这个用户，或已停用", "There is no such user, or they have left")
        return [Fault("/user_id", "user-not-found", said, str(person_id))]
    held = await queries.unended_tenures(session, post.city_code, on, person_id=person.id)
    others = {one.post.role for one in held if one.post.id != post.id}
    if not go_together(post.role, others):
        said = Text(
            f"管理员岗位不得与其他岗位兼任；该用户另有：{'、'.join(sorted(others))}",
            "An administrator's post is not held beside others; the user has: "
            + ", ".join(sorted(others)),
        )
        return [Fault("/user_id", "posts-not-together", said, str(person_id))]
    return []


async def _take_up(
    session: AsyncSession, post: StaffPost, person: Person, since: date, now: datetime
) -> None:
    tenure = PostTenure(
        city_code=post.city_code,
        id=new_id(),
        post_id=post.id,
        person_id=person.id,
        since=since,
        until=None,
    )
    session.add(tenure)
    minted = mint(_NOBODYS)
    session.add(
        ApiKey(
            city_code=post.city_code,
            id=tenure.id,
            name=post.title,
            role=post.role,
            organization_code=post.organization_code,
            plan_code=post.plan_code,
            scopes=sorted(scopes_of_role(post.role)),
            every_city=False,
            prefix=minted.prefix,
            secret_digest=minted.digest,
            created_at=now,
            expires_at=None,
            last_used_at=None,
            revoked_at=None,
            allowed_networks=[],
            last_used_from=None,
            version=1,
            person_id=person.id,
        )
    )
    await session.flush()


async def end_tenure(
    session: AsyncSession,
    held: HeldPost,
    *,
    last: date,
    at_once: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """End a tenure with the day `last`, and now if `at_once`."""
    tenure = held.tenure
    tenure.until = max(last, tenure.since)
    tenure.ended_at = now if at_once or last < tenure.since else None
    credential = await identity.credential_of_tenure(session, tenure.city_code, tenure.id)
    if tenure.ended_at is not None:
        credential.revoked_at = now
    else:
        after = last + timedelta(days=1)
        credential.expires_at = datetime.combine(after, time(), ZoneInfo(TIME_ZONE))
    await session.flush()
    told = {"user_id": str(tenure.person_id), "until": tenure.until.isoformat()}
    await note_of(session, "post", held.post, "post.ended", actor=actor.stamp(), data=told, at=now)

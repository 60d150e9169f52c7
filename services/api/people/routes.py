"""Routes of users, for the security administrator."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.answers import item_etag, json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Reading,
    Resources,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.paging import after_id, cut, of_list
from services.api.people.schemas import (
    OfUser,
    UserIn,
    UserInvitedOut,
    UserListOut,
    UserOut,
    UserPatch,
    user_invited_out,
    user_out,
)
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope, shown_item
from services.core.calendars.rules import TIME_ZONE
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.people import queries, users
from services.core.people.errors import UserNotFound
from services.core.people.models import Person

router = versioned_router("people")

_VERB = refusals(403, 404, 409, 412)
UserId = Annotated[
    UUID, Path(description="Id of a user", examples=["019aafc0-0000-7000-8000-0000000000b1"])
]


async def _manager(
    actor: Annotated[Actor, Depends(permitted(Permission.MANAGE_USERS))],
) -> Actor:
    """Return the caller, whose scope must be the whole city, as that of users is."""
    if not actor.runs_whole_city:
        raise takes("全市的安全管理员", "a security administrator of the whole city")
    return actor


UserManager = Annotated[Actor, Depends(_manager)]


async def _shown(session: AsyncSession, person: Person, resources: Resources) -> Shown:
    more = await _more(session, person)
    return shown_item(person, user_out(person, more, resources.clock.true_now()))


async def _more(session: AsyncSession, person: Person) -> OfUser:
    """Return the data of a user that is stored elsewhere."""
    posts = await queries.held_by(session, person.city_code, [person.id])
    linked = await queries.linked_providers(session, person.city_code, [person.id])
    return OfUser(posts[person.id], linked[person.id])


@dataclass(frozen=True)
class UserTurn(Turn[Person]):
    """The turn of a verb on a user."""

    @override
    async def shown(self) -> Shown:
        return await _shown(self.session, self.item, self.resources)


async def _seen(user_id: UserId, actor: UserManager, session: Reading) -> Person:
    return in_scope(await queries.person(session, actor.city_code, user_id), UserNotFound)


async def _turn(
    user_id: UserId, actor: UserManager, session: Writing, resources: ResourcesDep
) -> UserTurn:
    found = await queries.person(session, actor.city_code, user_id, for_update=True)
    return UserTurn(in_scope(found, UserNotFound), actor, session, resources)


TakenUser = Annotated[UserTurn, Depends(_turn)]


@router.post(
    "/users",
    status_code=201,
    responses={**answering("UserEntered", ETAG, LOCATION, status=201), **refusals(403)},
    openapi_extra=asking("User"),
)
async def create_user(
    body: UserIn,
    request: Request,
    actor: UserManager,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
) -> UserInvitedOut:
    """Enter somebody who is to sign in. The invitation is in this answer and nowhere else.

    It sets the first password, within three days. What they may do comes with posts alone.
    """
    now = resources.clock.true_now()
    person, invitation = await users.create_user(
        session, username=body.username, name=body.name, actor=actor, now=now
    )
    shown = user_out(person, OfUser(), now).model_dump_json().encode()
    response.headers["Location"] = f"/v1/users/{person.id}"
    response.headers["ETag"] = item_etag(person.id, person.version, shown)
    # A secret is never stored: the reply kept for repeats omits it.
    kept = user_invited_out(person, OfUser(), now, None)
    context_of(request).kept_reply = kept.model_dump_json().encode()
    return user_invited_out(person, OfUser(), now, invitation)


@router.get("/users", responses={**answering("Users"), **refusals(403)})
async def list_users(
    actor: UserManager,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> UserListOut:
    """List the users of the city, those who have left too."""
    named = of_list(actor, "users")
    after = after_id(page_token, named)
    found = await queries.people(session, actor.city_code, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    ids = [one.id for one in page]
    posts = await queries.held_by(session, actor.city_code, ids)
    linked = await queries.linked_providers(session, actor.city_code, ids)
    now = resources.clock.true_now()
    items = [user_out(one, OfUser(posts[one.id], linked[one.id]), now) for one in page]
    return UserListOut(items=items, next_page_token=following)


@router.get(
    "/users/{user_id}",
    responses={**answering("UserShown", ETAG), **refusals(403, 404)},
    response_model=UserOut,
)
async def get_user(
    person: Annotated[Person, Depends(_seen)],
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one user, with the posts that they hold, held and will hold."""
    shown = await _shown(session, person, resources)
    return shown.answer(if_none_match)


@router.patch(
    "/users/{user_id}",
    responses={**answering("UserEdited", ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking("UserEdit"),
    response_model=UserOut,
)
async def edit_user(body: UserPatch, turn: TakenUser, if_match: IfMatch = None) -> Response:
    """Change what a user is called, or signs in by. `If-Match` is required.

    History shows a user by the name that they have now.
    """
    await turn.check(if_match, required=True)
    await users.edit_user(
        turn.session,
        turn.item,
        changes=body.model_dump(exclude_unset=True),
        actor=turn.actor,
        now=turn.resources.clock.true_now(),
    )
    return await turn.answer()


@router.post(
    "/users/{user_id}/invite",
    responses={**answering("UserInvited", ETAG), **_VERB},
    response_model=UserInvitedOut,
)
async def invite_user(request: Request, turn: TakenUser, if_match: IfMatch = None) -> Response:
    """Give a user a new invitation: password, second factor, links and sessions end at once.

    For who has lost them. The invitation is in this answer and nowhere else.
    """
    await turn.check(if_match)
    now = turn.resources.clock.true_now()
    text = await users.invite(turn.session, turn.item, actor=turn.actor, now=now)
    turn.resources.keys.forget()
    shown = await turn.shown()
    held = await _more(turn.session, turn.item)
    kept = user_invited_out(turn.item, held, now, None).model_dump_json().encode()
    context_of(request).kept_reply = kept
    invited = user_invited_out(turn.item, held, now, text).model_dump_json().encode()
    return json_answer(invited, etag=shown.etag)


@router.post(
    "/users/{user_id}/unlink",
    responses={**answering("UserUnlinked", ETAG), **_VERB},
    response_model=UserOut,
)
async def unlink_user(turn: TakenUser, if_match: IfMatch = None) -> Response:
    """Let a user sign in by no government app any more, until they link an account anew.

    Sessions that were begun so go on. Again changes nothing.
    """
    await turn.check(if_match)
    now = turn.resources.clock.true_now()
    await users.unlink_user(turn.session, turn.item, actor=turn.actor, now=now)
    return await turn.answer()


@router.post(
    "/users/{user_id}/end",
    responses={**answering("UserLeft", ETAG), **_VERB},
    response_model=UserOut,
)
async def end_user(turn: TakenUser, if_match: IfMatch = None) -> Response:
    """End a user who leaves: sessions and posts end within five seconds, and for good.

    Again changes nothing.
    """
    await turn.check(if_match)
    await users.end_user(
        turn.session,
        turn.item,
        actor=turn.actor,
        today=turn.resources.clock.today(TIME_ZONE),
        now=turn.resources.clock.true_now(),
    )
    turn.resources.keys.forget()
    return await turn.answer()


@router.post(
    "/users/{user_id}/erase",
    responses={**answering("UserErased", ETAG), **_VERB},
    response_model=UserOut,
)
async def erase_user(turn: TakenUser, if_match: IfMatch = None) -> Response:
    """Erase what is personal of a user who has left; id, posts and history stay.

    From then on history shows the post in place of the name. Again changes nothing.
    """
    await turn.check(if_match)
    now = turn.resources.clock.true_now()
    await users.erase_user(turn.session, turn.item, actor=turn.actor, now=now)
    return await turn.answer()

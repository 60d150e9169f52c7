"""Routes of sessions: listed and ended by their users, and by the security administrator."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from services.api.context import PageSize, PageToken, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.paging import after_id, cut, of_list
from services.api.people.sign_in_schemas import (
    SessionListOut,
    SessionOut,
    session_out,
    sessions_out,
)
from services.api.routing import versioned_router
from services.api.security import Caller, session_id_of
from services.api.turns import in_scope
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.errors import Forbidden
from services.core.people import queries
from services.core.people.errors import SessionNotFound
from services.core.people.models import SignIn
from services.core.people.sessions import end

router = versioned_router("people")

SessionId = Annotated[
    UUID, Path(description="Id of a session", examples=["019aafc0-0000-7000-8000-0000000000d1"])
]


def _manages(actor: Actor) -> bool:
    return actor.may(Permission.MANAGE_USERS) and actor.runs_whole_city


async def _concerned(actor: Caller) -> Actor:
    """Return the caller, who is a signed-in user or manages users."""
    if actor.person_id is None and not _manages(actor):
        raise _of_people()
    return actor


def _of_people() -> Forbidden:
    return takes(
        "已登录的用户，或全市的安全管理员",
        "a user who is signed in, or a security administrator of the whole city",
    )


Concerned = Annotated[Actor, Depends(_concerned)]


async def _own(request: Request, actor: Caller, session: Writing) -> SignIn:
    session_id = session_id_of(request)
    if session_id is None:
        raise takes("已登录用户的会话", "the session of a user who is signed in")
    found = await queries.sign_in(session, actor.city_code, session_id, for_update=True)
    return in_scope(found, SessionNotFound)


@router.post("/sign-out", responses={**answering("SessionEnded"), **refusals(403)})
async def sign_out(
    own: Annotated[SignIn, Depends(_own)], actor: Caller, session: Writing, resources: ResourcesDep
) -> SessionOut:
    """End the caller's session: its tokens end within five seconds on every process."""
    now = resources.clock.true_now()
    await end(session, own, "signed_out", actor=actor.stamp(), now=now)
    resources.keys.forget()
    return session_out(own, own.id)


@router.get("/sessions", responses={**answering("Sessions"), **refusals(403)})
async def list_sessions(
    request: Request,
    actor: Concerned,
    session: Reading,
    user_id: Annotated[
        UUID | None,
        Query(description="Whose, for the security administrator; others see their own"),
    ] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> SessionListOut:
    """List sessions, the newest first: the caller's own, or all for the security administrator.

    One that ended because a refresh token was used twice says `reused`: somebody else had it.
    """
    person_id = user_id if _manages(actor) else actor.person_id
    named = of_list(actor, "sessions", of=person_id)
    found = await queries.sign_ins(
        session,
        actor.city_code,
        person_id=person_id,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return sessions_out(page, session_id_of(request), following)


async def _taken(session_id: SessionId, actor: Concerned, session: Writing) -> SignIn:
    found = await queries.sign_in(session, actor.city_code, session_id, for_update=True)
    if found is not None and found.person_id != actor.person_id and not _manages(actor):
        found = None
    return in_scope(found, SessionNotFound)


@router.delete("/sessions/{session_id}", status_code=204, responses=refusals(403, 404))
async def end_session(
    found: Annotated[SignIn, Depends(_taken)],
    actor: Concerned,
    session: Writing,
    resources: ResourcesDep,
) -> None:
    """End a session within five seconds on every process; again changes nothing."""
    now = resources.clock.true_now()
    await end(session, found, "ended", actor=actor.stamp(), now=now)
    resources.keys.forget()

"""Routes of posts, for the security administrator."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.paging import after_id, cut, of_list
from services.api.people.routes import UserManager
from services.api.people.schemas import HandOverIn, PostIn, PostListOut, PostOut, post_out
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope, shown_item
from services.core.calendars.rules import TIME_ZONE
from services.core.people import posts, queries
from services.core.people.errors import PostNotFound
from services.core.people.models import StaffPost
from services.core.people.posts import PostRequest
from services.core.plan.queries import plan_codes

router = versioned_router("people")

PostId = Annotated[
    UUID, Path(description="Id of a post", examples=["019aafc0-0000-7000-8000-0000000000c1"])
]


async def _shown(session: AsyncSession, post: StaffPost) -> Shown:
    held = await queries.holders_of(session, post.city_code, [post.id])
    return shown_item(post, post_out(post, held[post.id]))


@dataclass(frozen=True)
class PostTurn(Turn[StaffPost]):
    """The turn of a verb on a post."""

    @override
    async def shown(self) -> Shown:
        return await _shown(self.session, self.item)


async def _seen(post_id: PostId, actor: UserManager, session: Reading) -> StaffPost:
    return in_scope(await queries.post(session, actor.city_code, post_id), PostNotFound)


async def _turn(
    post_id: PostId, actor: UserManager, session: Writing, resources: ResourcesDep
) -> PostTurn:
    found = await queries.post(session, actor.city_code, post_id, for_update=True)
    return PostTurn(in_scope(found, PostNotFound), actor, session, resources)


@router.post(
    "/posts",
    status_code=201,
    responses={**answering("PostMade", ETAG, LOCATION, status=201), **refusals(403)},
    openapi_extra=asking("Post"),
    response_model=PostOut,
)
async def create_post(
    body: PostIn, actor: UserManager, session: Writing, resources: ResourcesDep
) -> Response:
    """Make a post: what its holder may do, for which unit, within which plan. Nobody holds it yet.

    What a post may do stays: make another where that changes.
    """
    post = await posts.create_post(
        session,
        request=PostRequest(body.title, body.role, body.organization_code, body.plan),
        actor=actor,
        plan_codes=await plan_codes(session, actor.city_code),
        now=resources.clock.true_now(),
    )
    shown = await _shown(session, post)
    return shown.created(f"/v1/posts/{post.id}")


@router.get("/posts", responses={**answering("Posts"), **refusals(403)})
async def list_posts(
    actor: UserManager, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> PostListOut:
    """List the posts of the city, with who holds and held them."""
    named = of_list(actor, "posts")
    after = after_id(page_token, named)
    found = await queries.posts(session, actor.city_code, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    held = await queries.holders_of(session, actor.city_code, [one.id for one in page])
    items = [post_out(one, held[one.id]) for one in page]
    return PostListOut(items=items, next_page_token=following)


@router.get(
    "/posts/{post_id}",
    responses={**answering("PostShown", ETAG), **refusals(403, 404)},
    response_model=PostOut,
)
async def get_post(
    post: Annotated[StaffPost, Depends(_seen)], session: Reading, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one post, with who holds it, held it and will hold it."""
    shown = await _shown(session, post)
    return shown.answer(if_none_match)


@router.post(
    "/posts/{post_id}/hand-over",
    responses={**answering("PostHandedOver", ETAG), **refusals(403, 404, 412)},
    openapi_extra=asking("HandOver", required=False),
    response_model=PostOut,
)
async def hand_over_post(
    body: HandOverIn, turn: Annotated[PostTurn, Depends(_turn)], if_match: IfMatch = None
) -> Response:
    """Have a post held by somebody else, or by nobody, from a day on.

    Who held it goes on to the day before; what was done stays under each holder's name. Handed
    over today, the one before ends within five seconds. Who holds an administrator's post holds no
    other sort of post beside it, and nobody hands over to himself.
    """
    await turn.check(if_match)
    today = turn.resources.clock.today(TIME_ZONE)
    await posts.hand_over(
        turn.session,
        turn.item,
        person_id=body.user_id,
        on=body.on or today,
        actor=turn.actor,
        today=today,
        now=turn.resources.clock.true_now(),
    )
    turn.resources.keys.forget()
    return await turn.answer()

"""The read-only pages: the leader's page, the public page, and the entry to them."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from services.api.answers import body_etag
from services.api.board.forms import form_token
from services.api.board.leader_reading import read_for_leader
from services.api.board.leader_view import leader_view
from services.api.board.page_cache import TOKEN_PLACE, Kept
from services.api.board.public import read_published
from services.api.board.rendering import assets, draft_status, page, words
from services.api.board.routing import (
    Chosen,
    board_router,
    html,
    reading_language,
    root_of,
    sent_on,
    visit,
)
from services.api.board.visitors import Visitor, renewed, shown_visitor, visitor_of
from services.api.context import resources_of
from services.api.plan_parameters import period_of_board
from services.api.routing import admit
from services.api.security import address_of
from services.core.board.queries import board_position
from services.core.identity.errors import not_permitted
from services.core.identity.rules import Permission, city_of_plan
from services.core.kit.errors import NotFound
from services.core.plan.queries import visible_plans

router = board_router()
hot_router = board_router()
"""The most visited page, to be matched before all others."""

PeriodChosen = Annotated[str | None, Query(max_length=40)]

_MOST_PLANS = 50
_WAITS_SECONDS = 25.0
_LOOK_EVERY_SECONDS = 5.0
_FOR_GOOD = "public, max-age=31536000, immutable"


@router.get("")
async def start(request: Request) -> Response:
    """Lead to the plan that the reader may see, to a choice of several, or to the sign-in."""
    visitor = await visitor_of(request)
    if visitor is None:
        return sent_on(request, "/sign-in")
    resources, actor = resources_of(request), visitor.actor
    async with resources.reads.sessions() as session:
        found = [one.code for one in await visible_plans(session, actor)]
        if len(found) == 1:
            return sent_on(request, f"/plans/{found[0]}")
        states = [await resources.plans.get(code, actor, session) for code in found[:_MOST_PLANS]]
    plans = [
        {"code": one.code, "title": one.document.title, "status": draft_status(one)}
        for one in states
    ]
    body = page(
        "plans.html",
        reading_language(request),
        root=root_of(request),
        plans=plans,
        visitor=shown_visitor(visitor, form_token(request, visitor.mark)),
    )
    return html(request, body)


@router.get("/assets/{name}")
async def read_asset(name: str) -> Response:
    """Return a file of the pages; its name changes with its content, so it is kept for good."""
    found = assets().get(name)
    if found is None:
        raise NotFound
    headers = {"Cache-Control": _FOR_GOOD, "ETag": body_etag(found.body)}
    return Response(found.body, headers=headers, media_type=found.media_type)


@hot_router.get("/plans/{plan}")
async def show_leader(
    plan: str, request: Request, period: PeriodChosen = None, lang: Chosen = None
) -> Response:
    """Show where a plan stands: the leader's page."""
    del lang
    visitor = await visit(request)
    resources, language = resources_of(request), reading_language(request)
    require_reader(visitor)

    async def make() -> bytes:
        async with resources.reads.sessions() as session:
            state = await resources.plans.get(plan, visitor.actor, session)
            wanted = period_of_board(state, period)
            read = await read_for_leader(session, visitor.actor, state, wanted, resources.clock)
        return page(
            "leader.html",
            language,
            root=root_of(request),
            **leader_view(read, language),
            visitor=shown_visitor(visitor, TOKEN_PLACE, state),
            live=True,
            show_changes=True,
            show_rankings=True,
            published=None,
        )

    kept = Kept(request, visitor, language, visitor.actor.city_code)
    return renewed(request, visitor, await kept.answer(make))


@router.get("/public/{plan}")
async def show_public(plan: str, request: Request, lang: Chosen = None) -> Response:
    """Show what was published last of a plan, to whoever asks."""
    del lang
    await admit(request, address_of(request) or "socket", "reads")
    resources, language = resources_of(request), reading_language(request)

    async def make() -> bytes:
        shown = await read_published(resources, plan, language)
        return page("leader.html", language, root=root_of(request), **shown)

    return await Kept(request, None, language, city_of_plan(plan)).answer(make)


@router.get("/plans/{plan}/wait")
async def wait_for_news(
    plan: str,
    request: Request,
    period: Annotated[str, Query(max_length=40)],
    after: Annotated[int, Query(ge=0, le=2**62)],
) -> Response:
    """Answer as soon as a period's scoreboard is newer than a position, or 204 after a while."""
    resources = resources_of(request)
    clock = asyncio.get_running_loop().time
    give_up = clock() + _WAITS_SECONDS
    while True:
        visitor = await visit(request)
        require_reader(visitor)
        state = await resources.plans.get(plan, visitor.actor)
        wanted = period_of_board(state, period)
        async with resources.reads.sessions() as session:
            newest = await board_position(session, state.city_code, state.code, wanted.code)
        if newest > after:
            told = words()["newer"].in_(reading_language(request))
            return JSONResponse({"told": told, "position": newest})
        left = give_up - clock()
        if left <= 0 or await request.is_disconnected():
            return Response(status_code=204)
        await resources.watch.wait(state.city_code, min(left, _LOOK_EVERY_SECONDS))
        await resources.reads.look_again()


def require_reader(visitor: Visitor) -> None:
    """Refuse a visitor who may not read plans.

    Raises:
        Forbidden: the role or the scopes do not allow it.
    """
    if not visitor.actor.may(Permission.READ_PLAN):
        raise not_permitted(visitor.actor, Permission.READ_PLAN)

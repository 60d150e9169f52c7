"""Routes of the links that open a plan's board to whoever has their address."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from services.api.board.link_schemas import (
    BoardLinkIn,
    BoardLinkListOut,
    BoardLinkMadeOut,
    BoardLinkOut,
    link_fields,
)
from services.api.context import PageSize, PageToken, PlanInScope, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import LOCATION, answering, asking
from services.api.paging import after_id, cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import in_scope
from services.core.board import queries, service
from services.core.board.errors import BoardLinkNotFound
from services.core.board.models import BoardLink
from services.core.board.service import LinkRequest
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

router = versioned_router("board")

Sharer = Annotated[Actor, Depends(permitted(Permission.SHARE_BOARD))]
LinkId = Annotated[
    UUID,
    Path(
        description="Id of a link to the board", examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5b36"]
    ),
]


@router.post(
    "/plans/{plan}/board-links",
    status_code=201,
    responses={**answering("BoardLinkMade", LOCATION, status=201), **refusals(403, 404)},
    openapi_extra=asking("BoardLinkAsked"),
)
async def create_board_link(
    body: BoardLinkIn,
    request: Request,
    actor: Sharer,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
) -> BoardLinkMadeOut:
    """Make a link to the leader's page of a plan. Its address is in this answer and nowhere else.

    Whoever has the address reads that page until the link ends or is revoked. It shows scores,
    reasons and what is late, and no value of a single unit. It opens nothing else, and changes
    nothing.
    """
    link, secret = await service.make_link(
        session,
        request=LinkRequest(plan.code, body.name, body.expires_at),
        actor=actor,
        now=resources.clock.true_now(),
    )
    fields = link_fields(link)
    prefix = request.scope.get("root_path", "")
    response.headers["Location"] = f"/v1/plans/{plan.code}/board-links/{link.id}"
    # A secret is never stored: the reply kept for repeats omits it.
    kept = BoardLinkMadeOut(**fields, path=None)
    context_of(request).kept_reply = kept.model_dump_json().encode()
    return BoardLinkMadeOut(**fields, path=f"{prefix}/board/link?token={secret}")


@router.get(
    "/plans/{plan}/board-links", responses={**answering("BoardLinks"), **refusals(403, 404)}
)
async def list_board_links(
    actor: Sharer,
    plan: PlanInScope,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> BoardLinkListOut:
    """List the links to a plan's board, revoked and ended ones too."""
    named = of_list(actor, "board-links", plan=plan.code)
    found = await queries.links_of(
        session,
        plan.city_code,
        plan.code,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return BoardLinkListOut(
        items=[BoardLinkOut(**link_fields(link)) for link in page], next_page_token=following
    )


async def _taken(link_id: LinkId, _actor: Sharer, plan: PlanInScope, session: Writing) -> BoardLink:
    link = await queries.link_for_update(session, plan.city_code, plan.code, link_id)
    return in_scope(link, BoardLinkNotFound)


@router.delete("/plans/{plan}/board-links/{link_id}", status_code=204, responses=refusals(403, 404))
async def revoke_board_link(
    link: Annotated[BoardLink, Depends(_taken)],
    actor: Sharer,
    session: Writing,
    resources: ResourcesDep,
) -> None:
    """Revoke a link: its address opens nothing within five seconds. Again changes nothing."""
    await service.revoke_link(session, link, actor=actor, now=resources.clock.true_now())

"""What every page says of who looks at it, and how their session goes on."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from services.api.board.rendering import draft_status
from services.api.board.visitors import SESSION, Visitor, set_cookie
from services.core.identity.rules import Permission
from services.core.plan.state import PlanState


def shown_visitor(
    visitor: Visitor, form_token: str, plan: PlanState | None = None
) -> Mapping[str, Any]:
    """Return what pages say of who looks: the pages of a plan that are theirs, how they sign out.

    `form_token` is that of their session, or what stands for it in a page that is kept.

    A unit's page is for whoever reports for one; the office's for whoever reviews. Each page of a
    plan that is a draft says so.
    """
    pages, status = ["overview"], None if plan is None else draft_status(plan)
    if not visitor.is_signed_in:
        return {"pages": pages, "form_token": "", "status": status}
    actor = visitor.actor
    if plan is not None and actor.organization_code in plan.organizations:
        pages.append("unit")
    if actor.may(Permission.REVIEW_SUBMISSIONS):
        pages.append("office")
    return {"pages": pages, "form_token": form_token, "status": status}


def renewed(request: Request, visitor: Visitor, response: Response) -> Response:
    """Return a page, with another cookie where the session is gone on with."""
    if visitor.renewed is not None:
        set_cookie(request, response, SESSION, visitor.renewed)
    return response

"""The route that lists everything that is late in a plan, of every kind."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from services.api.alerts.late_views import LateOut, late_out
from services.api.context import PageSize, PageToken, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import PageOut, cut, of_list
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.alerts.following import ground_of
from services.core.alerts.late import (
    LatePageKey,
    LateRule,
    late_outside_scope,
    late_page,
)
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.pagination import read_page_token

router = versioned_router("alerts")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_ALERTS))]


class LateListOut(PageOut[LateOut]):
    """What is late: by organization, the gravest first, then the oldest."""

    outside_scope: int = Field(
        description="How many more are late by these filters that the caller does not see: those"
        " of other units; for the superior, who sees what was approved, all"
    )


@router.get("/plans/{plan}/late", responses={**answering("Late"), **refusals(403, 404)})
async def list_late(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    organization_code: OrganizationFilter = None,
    rule: Annotated[LateRule | None, Query(description="Of this rule only")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> LateListOut:
    """List what is late, of every kind: milestones, values, reviews, answers, decisions, targets.

    By organization that has to act, the gravest first, then what was due first. What a closed
    period lacks stays in it. A unit sees its own, a lead also that of
    the measures and indicators it leads, the office and the leader all. The superior sees what
    was approved and so none of it: `outside_scope` says how many there are.
    """
    named = of_list(actor, "late", plan=plan.code, asked=[organization_code, rule])
    ground = await ground_of(session, plan, resources.clock.now(), first=False)
    found = await late_page(
        session,
        actor,
        ground,
        rule=rule,
        organization_code=organization_code,
        after=None
        if page_token is None
        else read_page_token(page_token, named, LatePageKey.parse)[0],
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    page, following = cut(found, page_size, named, lambda one: [one.place])
    outside = await late_outside_scope(
        session, actor, ground, rule=rule, organization_code=organization_code
    )
    return LateListOut(
        items=[late_out(one, ground) for one in page],
        next_page_token=following,
        outside_scope=outside,
    )

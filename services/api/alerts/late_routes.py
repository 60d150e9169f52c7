"""The path of what is late in a plan, of every kind, in one list."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, get_args
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from services.api.alerts.schemas import AlertSubjectOut
from services.api.context import Held, PageSize, PageToken, PlanInScope, Reading
from services.api.contract.choices import one_of
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import PageOut, cut, of_list
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.alerts.context import EvaluationContext
from services.core.alerts.following import ground_of
from services.core.alerts.late import (
    Late,
    LatePageKey,
    LateRule,
    late_outside_scope,
    late_page,
)
from services.core.alerts.sources import SOURCES, Source
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.pagination import read_page_token

router = versioned_router("alerts")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_ALERTS))]
_BY_RULE: Mapping[str, Source] = {source.rule: source for source in SOURCES}


class LateAnswerOut(BaseModel):
    """What somebody answered to the alert of it."""

    by: str = Field(description="The name of the credential that answered")
    organization_code: str | None = Field(description="Of which unit; null: of the whole plan")
    note: str | None = Field(description="What was answered")
    promised_date: date | None = Field(description="Until when it was promised; null: it was not")
    answered_at: datetime = Field(description="When")


class LateOut(BaseModel):
    """Something that is late: what, whose, since when, how grave, and what was answered."""

    rule: Annotated[str, one_of(get_args(LateRule))] = Field(
        description="What is late, by the rule that watches it: `milestone_due` a milestone,"
        " `report_due` a value, `submission_review` a review, `extension_decision` a decision,"
        " `conflict_decision` a conflict between two sources, …"
    )
    subject: AlertSubjectOut = Field(description="The thing itself")
    organization_code: str = Field(description="Who has to act now")
    organization_name: str = Field(description="Its name")
    unit: str | None = Field(description="The unit that the thing is of; null: of none")
    measure_code: str | None = Field(description="Of which measure, where it is of one")
    indicator_code: str | None = Field(description="Of which indicator, where it is of one")
    title: str = Field(description="What it is called")
    level: int = Field(description="Its gravity by the plan's rules: 0, 1 blue, 2 orange, 3 red")
    due_date: date = Field(description="The last day on which it was due")
    late_since: date = Field(
        description="The first day on which it was late: the day after the due date, or that on"
        " which the period closed where it closed before"
    )
    days_overdue: int = Field(description="Working days since the due date; 0 before it")
    alert_id: UUID | None = Field(description="The alert of it; null: none was raised yet")
    answer: LateAnswerOut | None = Field(description="What was answered; null: nobody did")


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
    held: Held,
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
    ground = await ground_of(session, plan, held.clock.now(), first=False)
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


def late_out(late: Late, ground: EvaluationContext) -> LateOut:
    """Return something late with the words that the plan has for it."""
    in_time_until = ground.due_date(_BY_RULE[late.rule], late.mark)
    due = late.owed_by or in_time_until
    return LateOut(
        rule=late.rule,
        subject=AlertSubjectOut(kind=late.subject_kind, id=late.subject_id),
        organization_code=late.organization_code,
        organization_name=ground.name_of(late.organization_code),
        unit=late.unit,
        measure_code=late.measure_code,
        indicator_code=late.indicator_code,
        title=ground.title_of(late.label, late.measure_code, late.indicator_code),
        level=late.level,
        due_date=due,
        late_since=in_time_until + timedelta(days=1),
        days_overdue=ground.calendar.between(due, ground.moment.today),
        alert_id=late.alert_id,
        answer=_answer_out(late),
    )


def _answer_out(late: Late) -> LateAnswerOut | None:
    if late.answered_by is None or late.answered_at is None:
        return None
    return LateAnswerOut(
        by=late.answered_by["name"],
        organization_code=late.answered_by.get("organization_code"),
        note=late.answer,
        promised_date=late.promised_date,
        answered_at=late.answered_at,
    )

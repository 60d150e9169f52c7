"""Pydantic schemas of the to-do list and of calendar tokens."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.paging import PageOut
from services.core.agenda.models import CalendarToken
from services.core.agenda.rules import KINDS, CalendarScope, Count, TodoKind, Waiting
from services.core.calendars.rules import WorkingCalendar
from services.core.kit.said import CodeIn, Said, Title
from services.core.plan.state import PlanState

_SCOPES = ("unit", "plan", "person")

_PATHS = {
    "submission": "/v1/submissions/{id}",
    "milestone": "/v1/milestones/{id}",
    "extension": "/v1/extensions/{id}",
    "obligation": "/v1/obligations/{id}",
    "conflict": "/v1/conflicts/{id}",
    "register_row": "/v1/register-rows/{id}",
}


class TodoSubjectOut(BaseModel):
    """What a waiting thing is about."""

    kind: Annotated[str, one_of(tuple(_PATHS))] = Field(description="What sort of thing it is")
    id: UUID = Field(description="Its id")


class TodoOut(BaseModel):
    """One thing that waits for the caller."""

    kind: Annotated[str, one_of(KINDS)] = Field(
        description="What is to be done: `report` a value, `correct` a returned one, `review`"
        " one; `sign` for a milestone, work on it (`progress`), `close` it, `reassign` a declined"
        " one; `decide` on an extension; `settle` a conflict between two sources;"
        " `renew` a row of a register, or look at it again (`recheck`)"
    )
    title: str = Field(description="Of the indicator, the milestone or the row, for people")
    due_date: date = Field(description="Until the end of this local day it is in time")
    overdue: bool = Field(description="The day has passed")
    days_left: int | None = Field(
        description="Working days until the due date, 0 on the day itself; null once it is overdue"
    )
    days_overdue: int | None = Field(
        description="Working days since the due date; null where it is not overdue"
    )
    working_days_left: int = Field(
        description="The old name of `days_left`; where it is overdue, `days_overdue` as a negative"
        " number",
        deprecated=True,
    )
    calendar: Annotated[str, one_of(["official", "provisional"])] = Field(
        description="Whether the working days up to it were announced, or only reckoned"
    )
    plan: str = Field(description="Code of the plan")
    organization_code: str = Field(description="The unit that it is of")
    indicator_code: str | None = Field(description="The indicator, where it is a value")
    measure_code: str | None = Field(description="The measure, where it is a milestone")
    period: str | None = Field(description="The period, where it is a value")
    state: str = Field(description="The present state of the thing itself")
    subject: TodoSubjectOut = Field(description="What it is about")
    href: str = Field(description="Where it can be read, with its `allowed_actions`")


class TodoCountOut(BaseModel):
    """How many things of one kind wait."""

    waiting: int = Field(description="All of them")
    overdue: int = Field(description="Those whose day has passed")


class TodoListOut(PageOut[TodoOut]):
    """What waits for the caller, soonest due first, with the counts of everything."""

    total: int = Field(description="How many things wait, on all pages")
    overdue: int = Field(description="How many of them are overdue")
    counts: dict[str, TodoCountOut] = Field(description="By kind; a kind of which none waits is 0")


class CalendarTokenIn(Said):
    """A calendar to subscribe to."""

    name: Title = Field(description="What it is for, for people: whose phone or program")
    scope: CalendarScope = Field(
        description="A `unit`'s deadlines, the whole `plan`'s, or those of the `person`: the"
        " caller's unit and, for a lead, the milestones of the measures it leads"
    )
    organization_code: CodeIn | None = Field(
        default=None, description="With `unit`; default: the caller's own"
    )


class CalendarTokenOut(BaseModel):
    """A calendar token as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    name: str = Field(description="What it is for")
    scope: Annotated[str, one_of(_SCOPES)] = Field(description="Whose deadlines it shows")
    organization_code: str | None = Field(description="The unit; null: the whole plan")
    prefix: str = Field(description="How its secret begins, to recognise it by")
    created_at: datetime = Field(description="When it was made")
    revoked_at: datetime | None = Field(description="When it was revoked")


class CalendarTokenMadeOut(CalendarTokenOut):
    """A new calendar token with its address, which is shown this once."""

    path: str | None = Field(
        description="The address for a calendar program, behind this service's own; null in a"
        " repeated answer, for the secret in it is never stored"
    )


class CalendarTokenListOut(PageOut[CalendarTokenOut]):
    """The caller's calendar tokens, the oldest first."""


def todo_out(
    one: Waiting, plan: PlanState, calendar: WorkingCalendar, today: date, *, prefix: str
) -> TodoOut:
    """Return a to-do item titled with the plan's names; `prefix` is the API's path prefix."""
    left = None if one.overdue else calendar.between(today, one.due_date)
    late = calendar.between(one.due_date, today) if one.overdue else None
    return TodoOut(
        kind=one.kind,
        title=_title(one, plan),
        due_date=one.due_date,
        overdue=one.overdue,
        days_left=left,
        days_overdue=late,
        working_days_left=(left or 0) - (late or 0),
        calendar=calendar.status(one.due_date),
        plan=one.plan_code,
        organization_code=one.organization_code,
        indicator_code=one.indicator_code,
        measure_code=one.measure_code,
        period=one.period,
        state=one.state,
        subject=TodoSubjectOut(kind=one.subject_kind, id=one.subject_id),
        href=prefix + _PATHS[one.subject_kind].format(id=one.subject_id),
    )


def _title(one: Waiting, plan: PlanState) -> str:
    if one.title is not None:
        return one.title
    indicator = plan.indicators.get(one.indicator_code or "")
    return indicator.name if indicator else (one.indicator_code or one.subject_kind)


def counts_out(counts: dict[TodoKind, Count]) -> dict[str, TodoCountOut]:
    """Return the counts of every kind, including those that are 0."""
    none = Count(0, 0)
    return {
        kind: TodoCountOut(
            waiting=counts.get(kind, none).waiting, overdue=counts.get(kind, none).overdue
        )
        for kind in KINDS
    }


def token_fields(token: CalendarToken) -> dict[str, Any]:
    """Return the members of a token that may be shown at any time, without its secret."""
    return {
        "id": token.id,
        "plan": token.plan_code,
        "name": token.name,
        "scope": token.scope,
        "organization_code": token.organization_code,
        "prefix": token.prefix,
        "created_at": token.created_at,
        "revoked_at": token.revoked_at,
    }

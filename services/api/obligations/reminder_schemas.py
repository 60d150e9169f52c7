"""Pydantic schemas of reminders."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.paging import PageOut
from services.core.kit.said import CodeIn, Said, Words
from services.core.obligations.reminders.models import Reminder
from services.core.plan.state import PlanState

_MOST_UNITS = 500


class ReminderIn(Said):
    """Whom to remind, and what to add; without either, everybody who has not reported."""

    organization_codes: list[CodeIn] | None = Field(
        default=None,
        min_length=1,
        max_length=_MOST_UNITS,
        description="These units alone, as far as they have not reported; null: every unit",
    )
    note: Words | None = Field(default=None, description="What the office adds, in its own words")


class ReminderOut(BaseModel):
    """That a unit was reminded of what it had not handed in."""

    id: UUID = Field(description="Its id, for good")
    organization_code: str = Field(description="The unit that was reminded")
    organization_name: str = Field(description="Its name")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    day: date = Field(description="The local day; a unit is reminded of a period once a day")
    indicator_codes: list[str] = Field(description="What was missing then, in the plan's order")
    due_date: date = Field(description="The earliest due date of it")
    note: str | None = Field(description="What the office added")
    actor: dict[str, Any] = Field(description="Who: `kind`, `name`, `role`, …")
    reminded_at: datetime = Field(description="When")


class RemindedOut(BaseModel):
    """Who was reminded by a call, and who had been already."""

    items: list[ReminderOut] = Field(
        description="One for each unit that has not reported and was not reminded today; empty:"
        " there is none"
    )
    already_reminded: list[str] = Field(
        description="Units that have not reported either, and were reminded earlier today"
    )


class ReminderListOut(PageOut[ReminderOut]):
    """A page of reminders, newest first."""


def reminder_out(one: Reminder, plan: PlanState) -> dict[str, Any]:
    """Return a reminder in the names of `ReminderOut`."""
    order = {code: place for place, code in enumerate(plan.indicators)}
    return {
        "id": one.id,
        "organization_code": one.organization_code,
        "organization_name": plan.organization_name(one.organization_code),
        "period": one.period,
        "day": one.day,
        "indicator_codes": sorted(
            one.indicator_codes, key=lambda code: (order.get(code, len(order)), code)
        ),
        "due_date": one.due_date,
        "note": one.note,
        "actor": one.actor,
        "reminded_at": one.reminded_at,
    }

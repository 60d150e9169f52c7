"""Renders late items."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.alerts.schemas import AlertSubjectOut
from services.api.contract.choices import one_of
from services.core.alerts.context import EvaluationContext
from services.core.alerts.late import (
    Late,
    LateRule,
)
from services.core.alerts.sources import SOURCES, Source

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


def late_out(late: Late, ground: EvaluationContext) -> LateOut:
    """Return a late item titled with the plan's names."""
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

"""Pydantic schemas of reporting obligations."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.paging import PageOut
from services.core.calendars.rules import CalendarStatus, WorkingCalendar
from services.core.kit.decimals import plain, quotient
from services.core.obligations.queries import Burden, Grouping, ObligationView, ReportingCounts
from services.core.obligations.rules import ObligationStatus, distance, may_extend
from services.core.plan.state import PlanState
from services.core.submissions.rules import SubmissionState

_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"
_HUNDRED = 100


class ObligationOut(BaseModel):
    """A value that a unit owes for a period, and what became of it."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name; its code where the plan has it no longer")
    organization_code: str = Field(description="The unit that owes the value")
    period: str = Field(description=_PERIOD)
    status: Annotated[str, one_of(get_args(ObligationStatus))] = Field(
        description="`expected`: not due yet; `met`: handed in by 24:00 of the due date; `late`:"
        " handed in after; `missing`: nothing handed in, and the due date or the period is over;"
        " `waived`: owed no more"
    )
    due_date: date = Field(description="The last day on which it is in time")
    original_due_date: date = Field(description="The due date it began with")
    epoch: int = Field(
        description="1 at first; an extension, a reopening or a changed calendar begins the next"
    )
    extensions: int = Field(description="How often more time was granted")
    may_extend: bool = Field(description="Whether more time may be asked for")
    calendar: Annotated[str, one_of(get_args(CalendarStatus))] = Field(
        description="Whether the working days of the due date's year were announced"
    )
    days_left: int | None = Field(
        description="While `expected`: working days until it is due, 0 on the day itself"
    )
    days_overdue: int | None = Field(
        description="While `missing`: working days since it was due; if `late`: until it was"
        " handed in"
    )
    submission_id: UUID | None = Field(description="The submission in its place, if there is one")
    submission_state: Annotated[str | None, one_of(get_args(SubmissionState), nullable=True)] = (
        Field(description="Where that stands; one that was returned stays handed in")
    )
    reported_at: datetime | None = Field(
        description="When it was first handed in; null: it is not, or was withdrawn"
    )


class ObligationListOut(PageOut[ObligationOut]):
    """A page of obligations, soonest due first."""


class ObligationChangeOut(BaseModel):
    """One change of an obligation: before and after, who, when, why."""

    version: int = Field(description="1 for its raising")
    action: Annotated[
        str, one_of(["raised", "extended", "reopened", "rescheduled", "waived", "restored"])
    ] = Field(
        description="`reopened` with its period; `rescheduled` by the calendar; `waived` and"
        " `restored` by a new version of the plan"
    )
    before: dict[str, Any] | None = Field(description="What it was; null: it was not there")
    after: dict[str, Any] = Field(description="What it is since, in the names of `ObligationOut`")
    actor: dict[str, Any] = Field(description="Who: `kind`, `name`, `role`, …")
    reason: str | None = Field(description="The reason that was given")
    occurred_at: datetime = Field(description="When")


class ObligationHistoryOut(PageOut[ObligationChangeOut]):
    """The changes of an obligation, oldest first."""


class RateOut(BaseModel):
    """How much of what is owed was handed in."""

    expected: int = Field(description="How many values are owed")
    reported: int = Field(description="How many of them were handed in, in time or late")
    on_time: int = Field(description="How many were handed in by 24:00 of their due date")
    late: int = Field(description="How many were handed in after")
    missing: int = Field(description="How many were not, and are due or can be no longer")
    reporting_rate: Digits | None = Field(
        description="reported ÷ expected in percent, exact to 20 places; null: nothing is expected"
    )
    on_time_rate: Digits | None = Field(description="on_time ÷ expected in percent")


class ReportingRateOut(RateOut):
    """The rates of one unit, indicator or period."""

    code: str = Field(description="Code of the organization or indicator, or the period")
    name: str = Field(description="Its name; of a period its code")


class ReportingRatesOut(BaseModel):
    """Rates by unit, indicator or period.

    Neither side counts what was waived, nor units that were no more before the due date or that
    the plan names no longer.
    """

    plan: str = Field(description="Code of the plan")
    period: str | None = Field(description=f"{_PERIOD}; null: every period ever opened")
    by: Annotated[str, one_of(get_args(Grouping))] = Field(description="What an item stands for")
    items: list[ReportingRateOut] = Field(
        description="Those of whom something is expected; in the plan's order, periods by code"
    )
    total: RateOut = Field(description="Of all items together")
    next_page_token: str | None = Field(description="Always null: the list is whole")


class BurdenOfUnitOut(BaseModel):
    """What one unit is asked for, and what it costs it."""

    organization_code: str = Field(description="Code of the unit")
    organization_name: str = Field(description="Its name")
    asked: int = Field(description="How many values it owes; what was waived does not count")
    prefilled: int = Field(
        description="For how many of them the form has something to take over as of now: its own"
        " value of the period before or of a year ago, or what another source says"
    )
    filled: int = Field(
        description="How many of them it handed in; a draft is not, what was returned is"
    )
    returned: int = Field(
        description="How often something of it was returned to be mended, each time counted; not"
        " what was reopened after its approval, nor what was withdrawn since"
    )
    median_notice_days: Digits = Field(
        description="Median of the calendar days from the local day on which a value was asked for,"
        " as a rule by opening its period, to the due date that was set then; 0: due on that day."
        " More time that was granted later does not count"
    )


class BurdenOut(BaseModel):
    """What collecting the plan's values asks of each unit."""

    plan: str = Field(description="Code of the plan")
    period: str | None = Field(description=f"{_PERIOD}; null: every period ever opened")
    items: list[BurdenOfUnitOut] = Field(
        description="The units that are asked for something, in the plan's order"
    )
    next_page_token: str | None = Field(description="Always null: the list is whole")


class Days:
    """How far due dates are from today, each counted once for a whole page."""

    def __init__(self, calendar: WorkingCalendar, plan: PlanState, today: date) -> None:
        self._calendar = calendar
        self._plan = plan
        self._today = today
        self._counted: dict[tuple[ObligationStatus, date, date], tuple[int | None, int | None]] = {}

    def of(self, standing: ObligationView) -> tuple[int | None, int | None]:
        """Return the working days left, and those overdue."""
        day = self._today
        if standing.reported_at is not None:
            day = self._plan.local_date(standing.reported_at)
        key = (standing.status, standing.due_date, day)
        if key not in self._counted:
            found = distance(*key, self._calendar)
            self._counted[key] = (found.days_left, found.days_overdue)
        return self._counted[key]

    def status(self, due_date: date) -> CalendarStatus:
        """Return whether the calendar of a due date's year was announced."""
        return self._calendar.status(due_date)


def obligation_out(standing: ObligationView, plan: PlanState, days: Days) -> ObligationOut:
    """Return an obligation as of today."""
    indicator = plan.indicators.get(standing.indicator_code)
    days_left, days_overdue = days.of(standing)
    return ObligationOut(
        id=standing.id,
        plan=plan.code,
        indicator_code=standing.indicator_code,
        indicator_name=indicator.name if indicator else standing.indicator_code,
        organization_code=standing.organization_code,
        period=standing.period,
        status=standing.status,
        due_date=standing.due_date,
        original_due_date=standing.original_due_date,
        epoch=standing.epoch,
        extensions=standing.extensions,
        may_extend=may_extend(standing.facts, plan.document.supervision.extension_limit),
        calendar=days.status(standing.due_date),
        days_left=days_left,
        days_overdue=days_overdue,
        submission_id=standing.submission_id,
        submission_state=standing.submission_state,
        reported_at=standing.reported_at,
    )


def rates_out(
    counted: Sequence[ReportingCounts], plan: PlanState, *, by: Grouping, period: str | None
) -> ReportingRatesOut:
    """Return rates in the plan's order, and their total."""
    names = _names(plan, by)
    order = {code: place for place, code in enumerate(names)}
    ordered = sorted(counted, key=lambda one: (order.get(one.code, len(order)), one.code))
    return ReportingRatesOut(
        plan=plan.code,
        period=period,
        by=by,
        items=[
            ReportingRateOut(code=one.code, name=names.get(one.code, one.code), **_rate(one))
            for one in ordered
        ],
        total=RateOut(
            **_rate(
                ReportingCounts(
                    "",
                    sum(one.expected for one in counted),
                    sum(one.reported for one in counted),
                    sum(one.on_time for one in counted),
                    sum(one.missing for one in counted),
                )
            )
        ),
        next_page_token=None,
    )


def burden_out(found: Sequence[Burden], plan: PlanState, period: str | None) -> BurdenOut:
    """Return the reporting burden of the units, in the plan's order."""
    order = {code: place for place, code in enumerate(plan.organizations)}
    return BurdenOut(
        plan=plan.code,
        period=period,
        items=[
            BurdenOfUnitOut(
                organization_code=one.code,
                organization_name=plan.organization_name(one.code),
                asked=one.asked,
                prefilled=one.prefilled,
                filled=one.filled,
                returned=one.returned,
                median_notice_days=plain(one.median_notice_days),
            )
            for one in sorted(found, key=lambda one: order[one.code])
        ],
        next_page_token=None,
    )


def _names(plan: PlanState, by: Grouping) -> Mapping[str, str]:
    match by:
        case "organization":
            return {code: entry.name for code, entry in plan.organizations.items()}
        case "indicator":
            return {code: indicator.name for code, indicator in plan.indicators.items()}
        case "period":
            return {}


def _rate(counted: ReportingCounts) -> dict[str, Any]:
    return {
        "expected": counted.expected,
        "reported": counted.reported,
        "on_time": counted.on_time,
        "late": counted.reported - counted.on_time,
        "missing": counted.missing,
        "reporting_rate": _percent(counted.reported, counted.expected),
        "on_time_rate": _percent(counted.on_time, counted.expected),
    }


def _percent(part: int, whole: int) -> str | None:
    return plain(quotient(Decimal(part * _HUNDRED), Decimal(whole))) if whole else None

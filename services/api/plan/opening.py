"""Schemas of opening a period: due dates, the units asked, and warnings."""

from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.contract.choices import one_of
from services.api.plan.schemas import PeriodOut
from services.api.plan.views import period_out
from services.core.kit.said import Said
from services.core.kit.text import Text
from services.core.obligations.queries import asked
from services.core.plan.models import PlanPeriod
from services.core.plan.opening import calendar_of, on_rest_day
from services.core.plan.service import open_within
from services.core.plan.state import PlanState
from services.core.plan.written import Day


class PeriodOpenIn(Said):
    """Until when the values are due, where the plan's rule is not to say so."""

    due_date: Day | None = Field(
        default=None,
        description="Not before the period has ended, nor before today; without it the plan's rule"
        " says, and where that date has passed one is asked for",
    )


class AskedOut(BaseModel):
    """How many values a unit is asked for."""

    organization_code: str = Field(description="Code of the unit")
    name: str = Field(description="Its name")
    values: int = Field(description="How many values it owes for the period")


class AsksOut(BaseModel):
    """What a period asks for, and from whom."""

    values: int = Field(description="How many values are owed in all")
    organizations: list[AskedOut] = Field(description="By code; empty: it asks for nothing")


class PeriodWarningOut(BaseModel):
    """Something about a period that is easily overlooked."""

    code: Annotated[str, one_of(["asks-for-nothing", "due-on-rest-day", "finer-periods-open"])] = (
        Field(description="Stable; more may come")
    )
    message: str = Field(description="In Chinese")
    message_en: str = Field(description="In English")


class PeriodAskingOut(PeriodOut):
    """A period that was just opened, with what it asks for."""

    asks_for: AsksOut = Field(description="What is owed for it now, and by whom")
    warnings: list[PeriodWarningOut] = Field(description="What is to be known of it; often empty")


class PeriodClosedOut(PeriodOut):
    """A period that was just closed."""

    warnings: list[PeriodWarningOut] = Field(description="What is to be known of it; often empty")


def closed_out(row: PlanPeriod, plan: PlanState) -> PeriodClosedOut:
    """Return a closed period; a warning names the finer periods in it that still take values."""
    shown = period_out(row, plan, answered=True).model_dump()
    finer = open_within(plan, plan.period_calendar.period(row.period))
    if not finer:
        return PeriodClosedOut(**shown, warnings=[])
    codes = ", ".join(finer)
    said = PeriodWarningOut(
        code="finer-periods-open",
        message=f"其中的 {'、'.join(finer)} 仍可填报和更正，并会改变本期的得分；"
        "如不再改变，请一并关闭",
        message_en=f"Within it {codes} still take values and corrections, which move its score:"
        " close them too where that is not to be",
    )
    return PeriodClosedOut(**shown, warnings=[said])


async def asking_out(
    session: AsyncSession, plan: PlanState, row: PlanPeriod, *, answered: bool
) -> PeriodAskingOut:
    """Return an opened period with the values asked for, as of this transaction."""
    counts = await asked(session, plan, row.period)
    return PeriodAskingOut(
        **period_out(row, plan, answered=answered).model_dump(),
        asks_for=AsksOut(
            values=sum(counts.values()),
            organizations=[
                AskedOut(organization_code=code, name=_name(plan, code), values=number)
                for code, number in counts.items()
            ],
        ),
        warnings=await _warnings(session, plan, row, asks=bool(counts)),
    )


def _name(plan: PlanState, code: str) -> str:
    entry = plan.organizations.get(code)
    return code if entry is None else entry.name


_NOTHING = Text(
    "没有按此周期填报的指标，本次开启不要求任何单位填报",
    "No indicator is reported for such a period: this asks nobody for anything",
)


async def _warnings(
    session: AsyncSession, plan: PlanState, row: PlanPeriod, *, asks: bool
) -> list[PeriodWarningOut]:
    calendar = await calendar_of(session, plan)
    found: list[tuple[str, Text]] = [] if asks else [("asks-for-nothing", _NOTHING)]
    rest = on_rest_day(plan, plan.period_calendar.period(row.period), row.due_date, calendar)
    if rest is not None:
        found.append(("due-on-rest-day", rest))
    return [
        PeriodWarningOut(code=code, message=words.zh, message_en=words.en) for code, words in found
    ]

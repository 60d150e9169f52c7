"""Pydantic schemas of working days."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, get_args

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.calendars import announcement
from services.core.calendars.announcement import Announcement, DayKind, reckoned_year, whole_year
from services.core.calendars.models import CalendarYear
from services.core.calendars.rules import UNKNOWN_AHEAD, CalendarStatus
from services.core.kit.said import Line, Said
from services.core.plan.written import Day

_Date = date
_CODE = "Such as `CN`, the calendar that every city begins with"
_KIND = "`workday`: it is worked; `rest`: it is not"
_MOST_DAYS = 1000


class CalendarDayIn(Said):
    """A day of the year, worked or not."""

    date: Day = Field(description="Within the year")
    kind: DayKind = Field(description=_KIND)
    note: Line | None = Field(default=None, description="Its name, such as 春节 or 国庆节调休")


class CalendarYearIn(Said):
    """A year as it was announced. A day that is not listed is as the week says."""

    source: Line = Field(description="The document that announces it")
    days: Annotated[list[CalendarDayIn], Field(max_length=_MOST_DAYS)] = Field(
        description="The days that are not as the week says; any other may be listed too"
    )


class CalendarDayOut(BaseModel):
    """A day of the year, worked or not."""

    date: _Date = Field(description="The day")
    kind: Annotated[str, one_of(get_args(DayKind))] = Field(description=_KIND)
    note: str | None = Field(description="Its name, such as 春节; null: it has none")


class CalendarYearOut(BaseModel):
    """A year of a calendar, day by day."""

    code: str = Field(description=_CODE)
    year: int = Field(description="The year")
    status: Annotated[str, one_of(get_args(CalendarStatus))] = Field(
        description="`official`: it was announced; `provisional`: it was not, and is reckoned"
        " Monday to Friday without the statutory days of fixed date"
    )
    source: str | None = Field(description="The document that announces it; null: none does yet")
    version: int = Field(
        description="Which change of the calendar set this year; 0: none did yet. The ETag ends in"
        " it"
    )
    unknown: list[str] = Field(
        description="What cannot be known before the year is announced, such as 春节; empty then"
    )
    days: list[CalendarDayOut] = Field(description="Every day of the year, in order")


class AnnouncedYearOut(BaseModel):
    """A year that was announced."""

    year: int = Field(description="The year")
    source: str = Field(description="The document that announces it")
    version: int = Field(description="Which change of the calendar set it")
    changed_at: datetime = Field(description="When that was")


class CalendarOut(BaseModel):
    """A calendar and the years of it that were announced."""

    code: str = Field(description=_CODE)
    years: list[AnnouncedYearOut] = Field(description="In order; every other year is provisional")


class CalendarListOut(BaseModel):
    """The calendars of a city."""

    items: list[CalendarOut] = Field(description="By code")
    next_page_token: str | None = Field(description="Always null: the list is whole")


def announcement_of(year: int, body: CalendarYearIn) -> Announcement:
    """Return the announcement in a body.

    Raises:
        InvalidInput: it lists a day of another year, or one twice.
    """
    days = [announcement.AnnouncedDay(day.date, day.kind, day.note) for day in body.days]
    announcement.check_days(year, days)
    return Announcement.of(year, body.source, days)


def year_out(code: str, year: int, announced: Announcement | None, version: int) -> CalendarYearOut:
    """Return a year as announced, or as computed if it was not."""
    days = whole_year(year, announced.days) if announced else reckoned_year(year)
    return CalendarYearOut(
        code=code,
        year=year,
        status="official" if announced else "provisional",
        source=announced.source if announced else None,
        version=version,
        unknown=[] if announced else list(UNKNOWN_AHEAD),
        days=[CalendarDayOut(date=day.date, kind=day.kind, note=day.note) for day in days],
    )


def calendars_out(years: Sequence[CalendarYear]) -> CalendarListOut:
    """Return the calendars of these years, which are ordered by code."""
    return CalendarListOut(
        items=[
            CalendarOut(code=code, years=[_announced_out(row) for row in rows])
            for code, rows in groupby(years, key=lambda row: row.calendar_code)
        ],
        next_page_token=None,
    )


def _announced_out(row: CalendarYear) -> AnnouncedYearOut:
    return AnnouncedYearOut(
        year=row.year, source=row.source, version=row.version, changed_at=row.changed_at
    )

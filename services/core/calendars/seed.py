"""A city's first calendar: the years that the library `chinese_calendar` knows."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version

from chinese_calendar import constants
from pydantic_core import to_json

from services.core.calendars.announcement import AnnouncedDay, Announcement


@cache
def known_years() -> str:
    """Return the years from 2004 on as JSON in history's form; the same for every city."""
    source = f"国务院办公厅节假日安排（chinesecalendar {version('chinesecalendar')}）"
    years = {day.year for day in constants.holidays}
    return to_json(
        {
            str(year): Announcement.of(year, source, _days_of(year)).written()
            for year in sorted(years)
        }
    ).decode()


def _days_of(year: int) -> Iterable[AnnouncedDay]:
    for day, name in constants.holidays.items():
        if day.year == year:
            yield AnnouncedDay(day, "rest", constants.Holiday(name).chinese)
    for day, name in constants.workdays.items():
        if day.year == year:
            yield AnnouncedDay(day, "workday", f"{constants.Holiday(name).chinese}调休")

"""A year as an authority announced it: the days that differ from the ordinary week. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from services.core.calendars.rules import is_weekday, statutory_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text

DayKind = Literal["workday", "rest"]

FIRST_YEAR = 1990
LAST_YEAR = 2100

_OUTSIDE = Text("该日不在{year}年内", "The day is not in {year}")
_TWICE = Text("该日已在前面列出", "The day is listed before")


@dataclass(frozen=True, slots=True)
class AnnouncedDay:
    """A day of a year, worked or not; `note` is its name, such as 春节."""

    date: date
    kind: DayKind
    note: str | None = None

    @property
    def is_exceptional(self) -> bool:
        """Whether it differs from its weekday, or has a name."""
        return self.note is not None or (self.kind == "workday") is not is_weekday(self.date)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A year, its source document, and its exceptional days in order."""

    year: int
    source: str
    days: tuple[AnnouncedDay, ...]

    @classmethod
    def of(cls, year: int, source: str, days: Iterable[AnnouncedDay]) -> "Announcement":
        """Return the announcement of valid days, without those that follow the ordinary week."""
        exceptional = (day for day in days if day.is_exceptional)
        return cls(year, source, tuple(sorted(exceptional, key=lambda day: day.date)))

    def written(self) -> dict[str, Any]:
        """Return it in the form that history stores."""
        return {
            "source": self.source,
            "days": [
                {"date": day.date.isoformat(), "kind": day.kind, "note": day.note}
                for day in self.days
            ],
        }


def check_days(year: int, days: Sequence[AnnouncedDay]) -> None:
    """Refuse days listed for a year that are outside it, or listed twice.

    Raises:
        InvalidInput: with a fault for each such day.
    """
    faults, seen = [], set()
    for index, day in enumerate(days):
        place, value = f"/days/{index}/date", day.date.isoformat()
        if day.date.year != year:
            faults.append(Fault(place, "outside-year", _OUTSIDE.format(year=year), value))
        elif day.date in seen:
            faults.append(Fault(place, "repeated-day", _TWICE, value))
        seen.add(day.date)
    if faults:
        raise InvalidInput(faults=faults)


def whole_year(year: int, exceptional: Iterable[AnnouncedDay]) -> list[AnnouncedDay]:
    """Return every day of a year: the exceptional ones as given, the others by the week."""
    known = {day.date: day for day in exceptional}
    first = date(year, 1, 1)
    dates = (
        first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)
    )
    return [
        known.get(day) or AnnouncedDay(day, "workday" if is_weekday(day) else "rest")
        for day in dates
    ]


def reckoned_year(year: int) -> list[AnnouncedDay]:
    """Return every day of a year without an announcement, as far as it can be known."""
    first = date(year, 1, 1)
    dates = (
        first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)
    )
    return [
        AnnouncedDay(day, "workday" if is_weekday(day) and name is None else "rest", name)
        for day in dates
        for name in [statutory_name(day)]
    ]


def worked_days(years: Mapping[str, Mapping[str, Any]]) -> dict[date, bool]:
    """Return whether each day is worked, from years in the form that history stores."""
    return {
        date.fromisoformat(day["date"]): day["kind"] == "workday"
        for year in years.values()
        for day in year["days"]
    }

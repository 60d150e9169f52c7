"""Calendars as they stood a moment ago, kept so that a request need not read one from Postgres."""

from datetime import datetime, timedelta

from services.api.log_watch import LogWatch
from services.core.calendars.queries import working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.kit.clock import Clock
from services.core.kit.database import Database

KEPT = timedelta(seconds=5)
_MOST_KEPT = 200


class CalendarsKept:
    """The calendars met lately; one is read again when its city's log moved on, or after 5 s."""

    def __init__(self, database: Database, watch: LogWatch) -> None:
        self._database = database
        self._watch = watch
        self._kept: dict[tuple[str, str], tuple[int, datetime, WorkingCalendar]] = {}

    async def get(self, city_code: str, code: str) -> WorkingCalendar:
        """Return a calendar of a city, for showing; what is written counts by a fresh one."""
        generation = self._watch.generation(city_code)
        now = Clock.true_now()
        kept = self._kept.get((city_code, code))
        if kept is not None and kept[0] == generation and kept[1] > now:
            return kept[2]
        async with self._database.sessions() as session:
            calendar = await working_calendar(session, city_code, code)
        if generation is not None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[city_code, code] = (generation, now + KEPT, calendar)
        return calendar

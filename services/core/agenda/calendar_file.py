"""Deadlines as an iCalendar file (RFC 5545). Pure.

Writing an entry takes half a millisecond of processor time, and every subscribed program asks for
the same entries each hour. So each entry is cached as bytes, keyed by its whole content.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from services.core.agenda.rules import Deadline, alarm_days
from services.core.calendars.rules import WorkingCalendar

_REMIND_AT = time(9)
_ASK_AGAIN_AFTER = timedelta(hours=1)
_KEPT_ENTRIES = 10_000
"""Size of the LRU cache of entries as bytes: some 15 MB, the whole calendars of two large plans."""
_END = b"END:VCALENDAR\r\n"


def calendar_file(
    deadlines: Iterable[Deadline],
    *,
    name: str,
    time_zone: str,
    calendar: WorkingCalendar,
) -> bytes:
    """Return an iCalendar object with an all-day entry for each deadline, reproducibly.

    Open entries have reminders at 09:00 local time, 7 and 1 working days before. Cancelled ones
    stay, marked as such; a changed entry keeps its UID, with a higher SEQUENCE. The file tells
    programs to poll hourly, with the properties of RFC 7986 and of Outlook.
    """
    file = Calendar.new(prodid="-//Wufei//Deadlines//ZH", name=name)
    # RFC 7986 allows a calendar to have a UID, but programs that store one file per UID
    # (vdirsyncer, khal) would then take the whole calendar for a single entry.
    del file["UID"]
    file.add("REFRESH-INTERVAL", _ASK_AGAIN_AFTER, parameters={"VALUE": "DURATION"})
    file.add("X-PUBLISHED-TTL", vDuration(_ASK_AGAIN_AFTER))

    @cache  # many entries have the same day
    def reminders(due_date: date) -> tuple[date, ...]:
        return alarm_days(due_date, calendar)

    entries = (
        _entry(deadline, time_zone, reminders(deadline.due_date) if deadline.is_open else ())
        for deadline in deadlines
    )
    head: bytes = file.to_ical().removesuffix(_END)
    return b"".join((head, *entries, _END))


@lru_cache(_KEPT_ENTRIES)
def _entry(deadline: Deadline, time_zone: str, reminders: tuple[date, ...]) -> bytes:
    zone = ZoneInfo(time_zone)
    entry = Event.new(
        uid=deadline.uid,
        sequence=deadline.sequence,
        stamp=deadline.changed_at,
        last_modified=deadline.changed_at,
        start=deadline.due_date,
        end=deadline.due_date + timedelta(days=1),
        summary=deadline.title,
        description=deadline.description,
        status=STATUS.CANCELLED if deadline.cancelled else STATUS.CONFIRMED,
        transparency=TRANSP.TRANSPARENT,
        subcomponents=[_alarm(day, deadline.title, zone) for day in reminders],
    )
    written: bytes = entry.to_ical()
    return written


def _alarm(day: date, words: str, zone: ZoneInfo) -> Alarm:
    alarm = Alarm.new(description=words)
    alarm.add("ACTION", "DISPLAY")
    at = datetime.combine(day, _REMIND_AT, zone).astimezone(UTC)
    alarm.add("TRIGGER", at, parameters={"VALUE": "DATE-TIME"})
    return alarm

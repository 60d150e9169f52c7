"""Deadlines as a file that calendar programs read (RFC 5545). Pure: what is known goes in."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from services.core.agenda.rules import Deadline, alarm_days
from services.core.calendars.rules import WorkingCalendar

_REMIND_AT = time(9)
_ASK_AGAIN_AFTER = timedelta(hours=1)


def calendar_file(
    deadlines: Iterable[Deadline],
    *,
    name: str,
    time_zone: str,
    calendar: WorkingCalendar,
) -> bytes:
    """Return an iCalendar object: an all-day entry a deadline, on its day; the same bytes again.

    What is open reminds at 09:00 local, 7 and 1 working days before. What was cancelled says
    so and stays; whatever changed keeps its UID, with a higher SEQUENCE. The file names the
    hour after which a program asks again, in the words of RFC 7986 and in those of Outlook.
    """
    file = Calendar.new(
        prodid="-//Wufei//Deadlines//ZH",
        name=name,
        subcomponents=[_entry(deadline, ZoneInfo(time_zone), calendar) for deadline in deadlines],
    )
    # RFC 7986 allows a calendar a UID. Programs that keep one file a UID (vdirsyncer, khal) then
    # take the whole calendar for a single entry.
    del file["UID"]
    file.add("REFRESH-INTERVAL", _ASK_AGAIN_AFTER, parameters={"VALUE": "DURATION"})
    file.add("X-PUBLISHED-TTL", vDuration(_ASK_AGAIN_AFTER))
    written: bytes = file.to_ical()
    return written


def _entry(deadline: Deadline, zone: ZoneInfo, calendar: WorkingCalendar) -> Event:
    open_still = not (deadline.done or deadline.cancelled)
    return Event.new(
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
        subcomponents=[
            _alarm(day, deadline.title, zone)
            for day in (alarm_days(deadline.due_date, calendar) if open_still else ())
        ],
    )


def _alarm(day: date, words: str, zone: ZoneInfo) -> Alarm:
    alarm = Alarm.new(description=words)
    alarm.add("ACTION", "DISPLAY")
    at = datetime.combine(day, _REMIND_AT, zone).astimezone(UTC)
    alarm.add("TRIGGER", at, parameters={"VALUE": "DATE-TIME"})
    return alarm

"""Deadlines as bytes: what is written, what is written anew, and what is not."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from types import FrameType

from icalendar import Calendar

from services.core.agenda.calendar_file import calendar_file
from services.core.agenda.rules import Deadline
from services.core.calendars.rules import WorkingCalendar

CALENDAR = WorkingCalendar("CN", 1, frozenset({2026}))
ONE = Deadline(
    uid="milestone-of-this-test@wufei",
    due_date=date(2026, 6, 30),
    title="建成，并验收",
    description="城管局\n新密市",
    sequence=1,
    changed_at=datetime(2026, 1, 1, tzinfo=UTC),
    done=False,
    cancelled=False,
)


def _file(
    *deadlines: Deadline,
    name: str = "日历",
    time_zone: str = "Asia/Shanghai",
    calendar: WorkingCalendar = CALENDAR,
) -> bytes:
    return calendar_file(deadlines, name=name, time_zone=time_zone, calendar=calendar)


def _reminders(file: bytes) -> list[datetime]:
    found = Calendar.from_ical(file).walk("VALARM")
    return [alarm.decoded("TRIGGER") for alarm in found]


def _entries_written(*deadlines: Deadline, name: str = "日历") -> int:
    """Return for how many entries the library is asked; a count is the same on any machine."""
    written = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal written
        written += event == "call" and frame.f_code.co_qualname == "Event.new"

    sys.setprofile(note)
    try:
        _file(*deadlines, name=name)
    finally:
        sys.setprofile(None)
    return written


def test_a_file_is_one_calendar_whose_entries_stand_in_the_order_given() -> None:
    others = [replace(ONE, uid=f"{number}@wufei", done=True) for number in range(3)]
    file = _file(*others, ONE)
    (read,) = Calendar.from_ical(file, multiple=True)
    assert [str(one["UID"]) for one in read.events] == [one.uid for one in (*others, ONE)]
    assert read.calendar_name == "日历"
    assert read.to_ical() == file
    assert Calendar.from_ical(_file()).events == []


def test_an_entry_says_whatever_changed_of_it() -> None:
    before = _file(ONE)
    for changed in (
        replace(ONE, due_date=date(2026, 7, 1)),
        replace(ONE, title="建成"),
        replace(ONE, description="新密市"),
        replace(ONE, sequence=2),
        replace(ONE, changed_at=datetime(2026, 1, 2, tzinfo=UTC)),
        replace(ONE, done=True),
        replace(ONE, cancelled=True),
    ):
        assert _file(changed) != before
    assert _file(ONE) == before


def test_reminders_follow_the_working_calendar_and_the_zone_of_the_day() -> None:
    assert _reminders(_file(ONE)) == [
        datetime(2026, 6, 19, 1, tzinfo=UTC),
        datetime(2026, 6, 29, 1, tzinfo=UTC),
    ]
    rests = replace(CALENDAR, version=2, days={date(2026, 6, 29): False})
    assert _reminders(_file(ONE, calendar=rests)) == [
        datetime(2026, 6, 18, 1, tzinfo=UTC),
        datetime(2026, 6, 26, 1, tzinfo=UTC),
    ]
    assert _reminders(_file(ONE, time_zone="Asia/Urumqi"))[0] == datetime(
        2026, 6, 19, 3, tzinfo=UTC
    )


def test_only_what_changed_is_written_anew_whoever_asks() -> None:
    many = [replace(ONE, uid=f"{number}-once@wufei") for number in range(20)]
    assert _entries_written(*many) == 20
    assert _entries_written(*many) == 0
    assert _entries_written(*many, name="另一人的日历") == 0
    assert _entries_written(*many[:-1], replace(many[-1], sequence=2)) == 1

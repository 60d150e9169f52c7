"""Due dates by working days: provisional until the year is announced, then moved with a record."""

from datetime import date

import pytest

from tests.integration.obligations.duties import Duties
from tests.unit.scoring.builders import a_document, an_indicator

WORKING = {"annual": 10, "half_yearly": 10, "quarterly": 10, "monthly": 10, "unit": "working"}
SUM = {"units": "sum", "periods": "sum"}
DOCUMENT = a_document(
    an_indicator("R01", frequency="monthly"),
    an_indicator("R02", frequency="monthly", owners=["UN01", "UN02", "UN03"], aggregation=SUM),
    due_days=WORKING,
    span={"start": "2021-01-01", "end": "2027-12-31"},
)
PROVISIONAL = date(2027, 1, 15)
"""The tenth weekday after 2026-12-31, New Year's Day not counted: the law says so every year."""


@pytest.fixture
async def december(duties: Duties) -> Duties:
    """A city that asked for December before the next year was announced."""
    await duties.load(DOCUMENT)
    duties.at("2026-12-20")
    await duties.move("2026-12", "open")
    await duties.follow()
    return duties


async def dates(duties: Duties) -> dict[str, tuple[date, int]]:
    """Due date and epoch by indicator and unit."""
    return {
        f"{one.indicator_code}/{one.organization_code}": (one.due_date, one.epoch)
        for one in await duties.listed()
    }


async def test_the_due_date_counts_the_days_that_are_worked(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    duties.at("2026-09-20")
    row = await duties.move("2026-09", "open")
    # From 1 to 7 October everybody rests, and Saturday the 10th is worked.
    assert row.due_date == date(2026, 10, 20)
    assert {due for due, _ in (await dates(duties)).values()} == {date(2026, 10, 20)}


async def test_an_announced_year_moves_what_is_open_once(december: Duties) -> None:
    assert {*(await dates(december)).values()} == {(PROVISIONAL, 1)}
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    await december.follow()
    assert {*(await dates(december)).values()} == {(date(2027, 1, 18), 2)}
    periods = await december.execute("SELECT due_date FROM plan_period")
    assert periods == [(date(2027, 1, 18),)]
    told = await december.execute("SELECT data FROM event WHERE type = 'period.rescheduled'")
    assert [data["due_date"] for (data,) in told] == ["2027-01-18"]
    assert await december.actions() == ["raised", "rescheduled"]
    original = {one.original_due_date for one in await december.listed()}
    assert original == {PROVISIONAL}


async def test_a_year_replaced_twice_at_once_moves_it_once_to_the_last(december: Duties) -> None:
    await december.announce("2027-01-01", "2027-01-05")
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    assert {*(await dates(december)).values()} == {(date(2027, 1, 18), 2)}
    assert await december.actions() == ["raised", "rescheduled"]
    before = await december.execute("SELECT count(*) FROM obligation_history")
    await december.forget_what_was_read()
    await december.follow(most=1)
    assert await december.execute("SELECT count(*) FROM obligation_history") == before


async def test_a_year_that_changes_no_date_begins_no_epoch(december: Duties) -> None:
    await december.announce("2027-01-01", "2027-10-01")
    await december.announce("2028-01-03", year=2028)
    await december.follow()
    assert {*(await dates(december)).values()} == {(PROVISIONAL, 1)}
    assert await december.execute("SELECT FROM event WHERE type = 'period.rescheduled'") == []


async def test_what_was_handed_in_or_extended_keeps_its_date(december: Duties) -> None:
    await december.hand_in("R02", "UN02", "2026-12")
    found = await december.one("R02", "UN03", "2026-12")
    await december.execute(
        "UPDATE obligation SET extensions = 1, due_date = '2027-01-20' WHERE id = :id", id=found.id
    )
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    assert await dates(december) == {
        "R01/UN01": (date(2027, 1, 18), 2),
        "R02/UN01": (date(2027, 1, 18), 2),
        "R02/UN02": (PROVISIONAL, 1),
        "R02/UN03": (date(2027, 1, 20), 1),
    }


async def test_a_date_given_with_a_reopening_stays(december: Duties) -> None:
    await december.move("2026-12", "close")
    await december.move("2026-12", "reopen", due_date=date(2027, 2, 1))
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    assert {*(await dates(december)).values()} == {(date(2027, 2, 1), 2)}


async def test_what_is_closed_keeps_its_date(december: Duties) -> None:
    await december.move("2026-12", "close")
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    assert {*(await dates(december)).values()} == {(PROVISIONAL, 1)}


async def test_calendar_days_do_not_follow_the_calendar(duties: Duties) -> None:
    days = {"annual": 10, "half_yearly": 10, "quarterly": 10, "monthly": 15}
    await duties.load(
        a_document(
            an_indicator(frequency="monthly"),
            due_days=days,
            span={"start": "2021-01-01", "end": "2027-12-31"},
        )
    )
    await duties.move("2026-12", "open")
    await duties.announce("2027-01-01", "2027-01-04")
    await duties.follow()
    assert {*(await dates(duties)).values()} == {(PROVISIONAL, 1)}


async def test_another_plans_calendar_is_another_matter(duties: Duties) -> None:
    await duties.load(
        a_document(
            an_indicator(frequency="monthly"),
            due_days=WORKING,
            supervision={"calendar": "HN"},
            span={"start": "2021-01-01", "end": "2027-12-31"},
        )
    )
    await duties.move("2026-12", "open")
    await duties.announce("2027-01-01", "2027-01-04")
    await duties.follow()
    assert {*(await dates(duties)).values()} == {(PROVISIONAL, 1)}


@pytest.mark.parametrize("today", [PROVISIONAL, date(2027, 1, 10), date(2027, 1, 20)])
async def test_a_calendar_makes_nobody_late_for_a_day_that_had_gone(
    december: Duties, today: date
) -> None:
    december.at(today.isoformat())
    # New Year's Day is worked, and the tenth working day is the 14th.
    await december.announce("2027-10-01")
    await december.follow()
    (due,) = {due for due, _ in (await dates(december)).values()}
    assert due == (date(2027, 1, 14) if today < date(2027, 1, 14) else PROVISIONAL)


async def test_a_date_follows_the_calendar_by_the_rule_that_it_was_given_by(
    december: Duties,
) -> None:
    """A version with another rule leaves an open period its date, which moves by its own rule."""
    changed = DOCUMENT.model_copy(
        update={"due_days": DOCUMENT.due_days.model_copy(update={"monthly": 12})}
    )
    december.at("2026-12-21")
    await december.load(changed)
    await december.follow()
    assert {*(await dates(december)).values()} == {(PROVISIONAL, 1)}
    await december.announce("2027-01-01", "2027-01-04")
    await december.follow()
    assert {*(await dates(december)).values()} == {(date(2027, 1, 18), 2)}

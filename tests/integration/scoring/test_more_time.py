"""Nothing is missing before the date that was granted for it, and all else is as before."""

from datetime import date

from services.core.calendars.announcement import AnnouncedDay, Announcement
from services.core.calendars.service import announce_year
from tests.integration.scoring.ledger import ACTOR, Ledger
from tests.support.clock import stopped_at
from tests.unit.scoring.builders import CITY, a_document, a_target, an_indicator

INDICATORS = (
    an_indicator("R01", targets=[a_target(value=100)]),
    an_indicator("R02", targets=[a_target(value=100)], owners=["UN02", "UN03"]),
    an_indicator(
        "R03",
        targets=[a_target(value=100)],
        owners=["UN04", "UN05"],
        aggregation={"units": "sum", "periods": "sum"},
    ),
)
DOCUMENT = a_document(*INDICATORS)
"""Due on 31 January 2026."""

GRANTED = date(2026, 2, 13)


async def states(ledger: Ledger, period: str = "2025") -> dict[str, str]:
    """Where each indicator stands, by code; the same on both bases."""
    found = []
    for basis in ("approved", "submitted"):
        snapshot = await ledger.snapshot(period, basis)
        assert snapshot is not None
        found.append({row["code"]: row["state"] for row in snapshot.board["indicators"]})
    assert found[0] == found[1]
    return found[0]


async def catch_up(ledger: Ledger) -> None:
    await ledger.follow_date()
    await ledger.follow()


async def assert_recomputing_changes_nothing(ledger: Ledger) -> None:
    assert (await ledger.recompute()).changed == 0


async def opened(ledger: Ledger) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    await ledger.follow()
    await ledger.follow_date()


async def test_an_extended_value_is_missing_after_its_own_date_only(ledger: Ledger) -> None:
    await opened(ledger)
    await ledger.extend(GRANTED)
    await ledger.follow()
    row = await ledger.row()
    assert (row["state"], row["reason_en"]) == ("not_due", "Not due before 2026-02-13")
    for day, state in (
        (date(2026, 2, 1), "not_due"),
        (GRANTED, "not_due"),
        (date(2026, 2, 14), "missing"),
    ):
        ledger.on(day)
        await catch_up(ledger)
        assert await states(ledger) == {"R01": state, "R02": "missing", "R03": "missing"}
        await assert_recomputing_changes_nothing(ledger)
    assert (await ledger.row())["reason_en"].startswith("Due by 2026-02-13")


async def test_it_is_due_until_midnight_of_its_last_day(ledger: Ledger) -> None:
    await opened(ledger)
    await ledger.extend(GRANTED)
    await ledger.follow()
    for instant, state in (
        (("2026-02-13", "23:59:59"), "not_due"),
        (("2026-02-14", "00:00:00"), "missing"),
    ):
        ledger.clock = stopped_at(*instant)
        await catch_up(ledger)
        assert (await ledger.row())["state"] == state


async def test_a_period_is_due_until_midnight_of_its_last_day(ledger: Ledger) -> None:
    await opened(ledger)
    for instant, state in (
        (("2026-01-31", "23:59:59"), "not_due"),
        (("2026-02-01", "00:00:00"), "missing"),
    ):
        ledger.clock = stopped_at(*instant)
        await catch_up(ledger)
        assert set((await states(ledger)).values()) == {state}


async def test_more_time_takes_back_what_was_missing(ledger: Ledger) -> None:
    await opened(ledger)
    ledger.on(date(2026, 2, 5))
    await catch_up(ledger)
    assert (await states(ledger))["R01"] == "missing"
    await ledger.extend(GRANTED)
    await ledger.follow()
    assert await states(ledger) == {"R01": "not_due", "R02": "missing", "R03": "missing"}
    await assert_recomputing_changes_nothing(ledger)


async def test_of_several_units_the_last_date_counts(ledger: Ledger) -> None:
    await opened(ledger)
    await ledger.extend(GRANTED, indicator="R03", unit="UN05")
    ledger.on(date(2026, 2, 5))
    await ledger.follow()
    await catch_up(ledger)
    assert await states(ledger) == {"R01": "missing", "R02": "missing", "R03": "not_due"}
    await assert_recomputing_changes_nothing(ledger)


async def test_more_time_for_who_owes_it_no_more_counts_no_more(ledger: Ledger) -> None:
    await opened(ledger)
    await ledger.extend(GRANTED, indicator="R02", unit="UN02")
    changed = [dict(each) for each in INDICATORS]
    changed[1]["owners"] = ["UN03"]
    await ledger.load(a_document(*changed))
    ledger.on(date(2026, 2, 5))
    # Whether scoring or what is owed follows the log first makes no difference.
    await ledger.follow()
    assert (await states(ledger))["R02"] == "missing"
    await ledger.keep_in_step()
    await ledger.follow()
    assert (await states(ledger))["R02"] == "missing"
    await assert_recomputing_changes_nothing(ledger)
    await ledger.load(DOCUMENT)
    await ledger.follow()
    await ledger.keep_in_step()
    await ledger.follow()
    assert (await states(ledger))["R02"] == "not_due"
    await assert_recomputing_changes_nothing(ledger)


async def test_more_time_for_a_quarter_is_more_time_for_its_year(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator("R01", frequency="quarterly"), an_indicator("R02")))
    for period in ("2025", "2025-Q4"):
        await ledger.move(period, "open")
    await ledger.extend(GRANTED, period="2025-Q4")
    ledger.on(date(2026, 2, 5))
    await ledger.follow()
    await ledger.follow_date()
    assert await states(ledger) == {"R01": "not_due", "R02": "missing"}
    assert (await states(ledger, "2025-Q4"))["R01"] == "not_due"
    await assert_recomputing_changes_nothing(ledger)
    ledger.on(date(2026, 2, 14))
    await catch_up(ledger)
    assert (await states(ledger))["R01"] == (await states(ledger, "2025-Q4"))["R01"] == "missing"
    await assert_recomputing_changes_nothing(ledger)


async def test_a_value_in_the_extended_time_is_scored_like_any_other(ledger: Ledger) -> None:
    await opened(ledger)
    await ledger.extend(GRANTED)
    ledger.on(date(2026, 2, 10))
    await ledger.report(80)
    await ledger.follow()
    extended = await ledger.row()
    assert (extended["state"], extended["attainment"]) == ("scored", "80")
    await assert_recomputing_changes_nothing(ledger)


async def test_reopening_with_a_date_gives_time_to_all_and_without_one_to_none(
    ledger: Ledger,
) -> None:
    await opened(ledger)
    ledger.on(date(2026, 2, 5))
    await ledger.move("2025", "close")
    await ledger.move("2025", "reopen")
    await ledger.follow()
    assert set((await states(ledger)).values()) == {"missing"}
    await ledger.move("2025", "close")
    await ledger.move("2025", "reopen", due_date=GRANTED)
    await ledger.follow()
    assert set((await states(ledger)).values()) == {"not_due"}
    await assert_recomputing_changes_nothing(ledger)


async def test_a_calendar_that_moves_the_date_moves_what_is_missing(ledger: Ledger) -> None:
    days = {"annual": 22, "half_yearly": 5, "quarterly": 5, "monthly": 5, "unit": "working"}
    await ledger.load(a_document(*INDICATORS, due_days=days))
    await ledger.move("2025", "open")
    ledger.on(date(2026, 2, 3))
    await catch_up(ledger)
    assert (await ledger.row())["state"] == "missing"
    await announce(ledger, rest=[date(2026, 1, day) for day in range(5, 9)])
    await ledger.keep_in_step()
    await ledger.follow()
    assert (await ledger.row())["state"] == "not_due"
    await assert_recomputing_changes_nothing(ledger)


async def announce(ledger: Ledger, *, rest: list[date]) -> None:
    async with ledger.database.transaction() as session:
        await announce_year(
            session,
            city_code=CITY,
            code="CN",
            announcement=Announcement.of(2026, "更正", [AnnouncedDay(day, "rest") for day in rest]),
            actor=ACTOR,
            now=ledger.clock.now(),
        )

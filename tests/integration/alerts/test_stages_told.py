"""A deadline from its first stage to its end, by China's working days of 2026."""

from datetime import date

import pytest

from services.core.kit.trail import Trail, on_trail
from tests.integration.alerts.watch import LEAD, OFFICE, UNIT, Watch, midnight


async def test_a_milestone_is_told_of_on_its_days_and_on_no_other(watch: Watch) -> None:
    await watch.milestone("2026-10-08")
    heard = []
    for number in range(60):
        day = date.fromordinal(date(2026, 9, 1).toordinal() + number).isoformat()
        await watch.look(day)
        heard += [
            (day, told.type, told.data.get("stage"), told.data.get("level"))
            for told in await watch.told()
        ]
    assert heard == [
        ("2026-09-08", "alert.digest", None, None),
        ("2026-09-21", "alert.digest", None, None),
        ("2026-09-30", "alert.raised", "T-1", 1),
        ("2026-10-08", "alert.raised", "T0", 1),
        ("2026-10-09", "alert.raised", "O+1", 1),
        ("2026-10-12", "alert.escalated", "O+3", 2),
        ("2026-10-16", "alert.escalated", "O+7", 3),
        ("2026-10-23", "alert.raised", "O+7", 3),
        ("2026-10-30", "alert.raised", "O+7", 3),
    ]
    assert await watch.alerts("seq, stage, repeat, state") == [(9, "O+7", 2, "open")]


@pytest.mark.parametrize(
    ("due", "day_before"),
    [("2026-10-08", "2026-09-30"), ("2026-10-12", "2026-10-10"), ("2026-03-02", "2026-02-28")],
)
async def test_the_day_before_is_a_working_day(watch: Watch, due: str, day_before: str) -> None:
    await watch.milestone(due)
    await watch.look(day_before)
    (told,) = await watch.told()
    assert told.short == ("raised", "T-1", 0, 1)
    assert told.unit == UNIT
    assert told.data["calendar"] == "official"
    assert told.data["seq"] == 1
    assert told.data["recipients"] == [
        {"organization_code": UNIT, "function": "clerk", "filled_by": None},
        {"organization_code": UNIT, "function": "head", "filled_by": None},
        {"organization_code": LEAD, "function": "clerk", "filled_by": None},
    ]
    assert told.data["message"].startswith("【蓝色督办】单位2的里程碑“分拣中心投运”将于")


async def test_nothing_goes_out_in_the_golden_week(watch: Watch) -> None:
    for due in ("2026-10-08", "2026-10-03", "2026-10-05", "2026-10-12", "2026-10-01"):
        await watch.milestone(due)
    await watch.look("2026-09-30")
    assert {told.data["stage"] for told in await watch.told() if "stage" in told.data} == {
        "T-1",
        "T0",
    }
    for number in range(1, 8):
        for hour in ("00:00", "09:30", "17:00"):
            await watch.look(f"2026-10-0{number}", hour)
    assert await watch.told() == []


async def test_a_day_is_due_to_its_last_second_and_overdue_after(watch: Watch) -> None:
    await watch.set_rules(window={"opens": "00:00", "closes": "23:59", "digest_at": "00:00"})
    await watch.milestone("2026-10-09")
    await watch.look("2026-10-09", "00:00:00")
    await watch.look("2026-10-09", "23:58:59")
    assert [told.short for told in await watch.told()] == [("raised", "T0", 0, 1)]
    await watch.look("2026-10-10", "00:00:00")
    (told,) = await watch.told()
    assert told.short == ("raised", "O+1", 0, 1)
    assert "已逾期1天" in told.data["message"]


async def test_notices_wait_for_the_window_and_the_top_level_does_not(watch: Watch) -> None:
    await watch.milestone("2026-10-08")
    await watch.look("2026-09-01")
    for day, hour in (("2026-09-30", "08:29"), ("2026-09-30", "18:00"), ("2026-10-08", "08:29")):
        await watch.look(day, hour)
    assert await watch.told() == []
    await watch.look("2026-10-08", "08:30")
    assert [told.short for told in await watch.told()] == [("raised", "T0", 0, 1)]
    await watch.look("2026-10-12", "20:00")
    assert await watch.told() == []
    await watch.look("2026-10-16", "00:00")
    (told,) = await watch.told()
    assert told.short == ("escalated", "O+7", 0, 3)
    assert {each["organization_code"] for each in told.data["recipients"]} == {UNIT, LEAD, OFFICE}
    assert ("O+3", 0, 2, "superseded") in await watch.notices()


async def test_early_stages_of_a_unit_come_in_one_digest_at_nine(watch: Watch) -> None:
    for number in range(3):
        await watch.milestone("2026-10-08", title=f"第{number}项")
    await watch.milestone("2026-10-08", organization_code="UN03")
    await watch.look("2026-09-01")
    await watch.look("2026-09-21", "08:59")
    assert await watch.told() == []
    await watch.look("2026-09-21", "09:00")
    digests = await watch.told()
    assert sorted((told.type, told.unit, told.data["total"]) for told in digests) == [
        ("alert.digest", UNIT, 3),
        ("alert.digest", "UN03", 1),
    ]
    item = next(told.data["items"][0] for told in digests if told.unit == UNIT)
    assert (item["stage"], item["level"], item["seq"]) == ("T-7", 0, 1)
    assert ("T-30", 0, 0, "superseded") in await watch.notices()
    await watch.milestone("2026-10-08", title="后来的一项")
    await watch.look("2026-09-21", "11:00")
    assert await watch.told() == [], "a unit has one digest a day"
    await watch.look("2026-09-22", "09:00")
    (told,) = await watch.told()
    assert (told.data["total"], told.data["items"][0]["title"]) == (1, "后来的一项")


async def test_a_due_date_beyond_the_calendar_is_provisional(watch: Watch) -> None:
    await watch.obligation("2027-01-15", period="2026-Q4")
    await watch.look("2027-01-08")
    (digest,) = await watch.told()
    assert digest.data["items"][0]["calendar"] == "provisional"
    await watch.look("2027-01-14")
    (told,) = await watch.told()
    assert told.data["calendar"] == "provisional"
    assert await watch.alerts("calendar, calendar_version") == [("provisional", 1)]

    # The notice of 2027 comes: its only change here is that the 11th is a rest day.
    await watch.announce(2027, date(2027, 1, 11))
    for day in ("2027-01-12", "2027-01-13", "2027-01-14"):
        await watch.look(day)
    assert await watch.told() == [], "an announced year repeats nothing"
    await watch.look("2027-01-15")
    (told,) = await watch.told()
    assert (told.short[1], told.data["calendar"]) == ("T0", "official")


async def test_a_late_engine_gives_one_notice_the_most_severe(watch: Watch) -> None:
    for number in range(5):
        await watch.milestone("2026-10-08", title=f"第{number}项")
        await watch.obligation("2026-10-08", period=f"2025-{number + 1:02}")
    await watch.look("2026-09-18")
    await watch.told()
    await watch.look("2026-10-12", "10:00")
    told = await watch.told()
    assert [each.short for each in told] == [("raised", "O+3", 0, 2)] * 10
    assert len({each.data["alert_key"] for each in told}) == 10
    assert set(await watch.notices()) == {
        ("T-30", 0, 0, "gathered"),
        ("T-7", 0, 0, "superseded"),
        ("T-5", 0, 0, "superseded"),
        ("T-2", 0, 0, "superseded"),
        ("T-1", 0, 1, "superseded"),
        ("T0", 0, 1, "superseded"),
        ("O+1", 0, 1, "superseded"),
        ("O+3", 0, 2, "given"),
    }


async def test_what_was_overdue_on_arrival_is_its_units_from_the_next_stage_on(
    watch: Watch,
) -> None:
    arrived = midnight(date(2026, 9, 10))
    await watch.obligation("2026-09-01", created_at=arrived)
    await watch.obligation("2026-09-01", created_at=arrived, organization_code="UN03")
    await watch.look("2026-09-10")
    (digest,) = await watch.told()
    assert (digest.type, digest.unit, digest.data["kind"]) == ("alert.digest", OFFICE, "arrival")
    assert digest.data["total"] == 2
    await watch.look("2026-09-16")
    assert await watch.told() == [], "no stage came since"
    await watch.look("2026-09-17")
    told = {each.unit: each.short for each in await watch.told()}
    assert told == {UNIT: ("raised", "O+7", 1, 3), "UN03": ("raised", "O+7", 1, 3)}


async def test_a_digest_waits_for_the_whole_run(watch: Watch) -> None:
    first = await watch.milestone("2026-10-22")
    await watch.milestone("2026-10-22")
    await watch.follow("2026-10-12", "08:00")
    await watch.happen("milestone.changed", ("milestone", str(first)))
    await watch.follow("2026-10-13", "09:01")
    assert await watch.told() == [], "what an event touched is no digest yet"
    await watch.look("2026-10-13", "09:02")
    (digest,) = await watch.told()
    assert (digest.type, digest.unit, digest.data["total"]) == ("alert.digest", UNIT, 2)


async def test_how_long_a_notice_was_waited_for_is_counted_from_when_it_may_go_out(
    watch: Watch,
) -> None:
    async def waited(day: str, hour: str) -> list[float]:
        trail = Trail()
        with on_trail(trail):
            await watch.look(day, hour)
        return [round(seconds) for seconds in trail.waited]

    await watch.milestone("2026-10-08")
    assert await waited("2026-09-29", "10:00") == []
    assert await waited("2026-09-30", "08:00") == [], "nothing goes out before the hour"
    assert await waited("2026-09-30", "08:40") == [600]
    assert await waited("2026-09-30", "09:40") == [], "it went out once"
    assert await waited("2026-10-16", "00:10") == [600], "the top level waits for no hour"


async def test_what_an_event_makes_due_was_waited_for_by_nobody(watch: Watch) -> None:
    milestone = await watch.milestone("2026-10-08")
    trail = Trail()
    with on_trail(trail):
        await watch.happen("milestone.created", ("milestone", str(milestone)))
        await watch.follow("2026-10-09")
    assert await watch.told() != []
    assert trail.waited == []

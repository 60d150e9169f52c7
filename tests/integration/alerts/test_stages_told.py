"""A deadline from its first stage to its end, by China's working days of 2026."""

import pytest

from tests.integration.alerts.watch import LEAD, OFFICE, UNIT, Watch


async def test_a_milestone_is_told_of_on_its_days_and_on_no_other(watch: Watch) -> None:
    await watch.milestone("2026-10-08")
    days = [f"2026-09-{number:02}" for number in range(1, 31)]
    days += [f"2026-10-{number:02}" for number in range(1, 32)]
    heard = []
    for day in days:
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
    assert OFFICE not in str(told.data["recipients"])

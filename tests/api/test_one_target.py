"""The form, the page of an indicator and the board say one target for a period."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.forms import by_heading
from tests.support.towns import PLAN, answered, assign, load, read, row_of
from tests.unit.scoring.builders import an_indicator

HALF = {"period": "2031-H1", "kind": "at_least", "value": "6", "text": "上半年末6"}
YEAR = {"year": 2031, "kind": "at_least", "value": "12", "text": "年末12"}
JUNE = {"by": "2031-06-30", "kind": "at_least", "value": "7", "text": "6月底7"}
SEPTEMBER = {"by": "2031-09-30", "kind": "at_least", "value": "9", "text": "9月底9"}
LATER = {"year": 2032, "kind": "at_least", "value": "12", "text": "明年12"}
ASSIGNED = {"year": 2031, "kind": "assigned_by_superior", "text": "完成下达"}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        yield opened


async def test_a_form_prints_what_the_period_is_judged_by(door: Door) -> None:
    often = {"frequency": "quarterly", "owners": ["ZW01"]}
    await load(
        door,
        an_indicator("A", targets=[HALF, YEAR], **often),
        an_indicator("B", targets=[JUNE, SEPTEMBER, LATER], **often),
        an_indicator("C", targets=[HALF, ASSIGNED], **often),
    )
    await assign(door, "C", 2031, kind="at_least", value="20")
    for quarter in (1, 3, 4):
        period = f"2031-Q{quarter}"
        asked = {"organization_code": "ZW01", "period": period}
        form = await answered(door, "templates/indicators.xlsx", "reporter", "ZW01", **asked)
        assert form.status_code == 200, form.text
        for code, row in by_heading(form.content).items():
            judged = (await row_of(door, code, period))["target"]
            shown = judged["text"] or f"≥ {judged['value']}"
            assert shown in row.values(), (period, code, judged, row)
    printed = (await read(door, f"{PLAN}/indicators/C"))["targets"]
    assert [(one["text"], one["assigned"] is not None) for one in printed] == [
        ("上半年末6", False),
        ("完成下达", True),
    ]

"""How far tasks, units and townships are: exact sums of milestones, and lights with reasons."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from tests.support.api import IN_TIME, XINMI, Door, a_submission, open_door
from tests.support.milestones import BODIES, PATH, a_milestone

TASKS = f"/plans/{XINMI}/tasks"
TOWN, OTHER_TOWN = "410183107", "410183104"


async def reported(
    client: httpx.AsyncClient, door: Door, percent: object, **changes: object
) -> dict[str, Any]:
    """Return a milestone that its unit has reported on."""
    made = (await client.post(PATH, json=a_milestone(**changes))).json()
    async with await door.as_("reporter", made["organization_code"]) as unit:
        await unit.post(f"/milestones/{made['id']}/accept")
        answer = await unit.post(f"/milestones/{made['id']}/progress", json={"percent": percent})
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> Any:
    """The API with milestones under measures 14.1 and 16.1, without those of the plan itself."""
    async with open_door(module_database_url) as opened:
        async with await opened.as_("office") as office:
            await reported(office, opened, "33.3333333", weight=3, due_date="2030-12-31")
            await reported(office, opened, 60, organization_code=TOWN, due_date="2031-01-31")
            late = await reported(
                office, opened, 10, organization_code=OTHER_TOWN, due_date="2026-01-31"
            )
            gone = await reported(office, opened, 0, organization_code=TOWN, weight=50)
            await office.post(f"/milestones/{gone['id']}/cancel", json=BODIES["cancel"])
            await reported(
                office,
                opened,
                100,
                measure_code="16.1",
                organization_code="UN05",
                due_date="2031-06-30",
            )
        assert late["light"] == "red"
        await opened.react()
        await opened.held.database.pool.execute("DELETE FROM milestone WHERE from_plan")
        yield opened


async def progress(door: Door, role: str = "office", unit: str | None = None, **query: str) -> Any:
    async with await door.as_(role, unit) as client:
        answer = await client.get(f"{TASKS}/progress", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of_task(listed: Any, number: int) -> Any:
    return next(item for item in listed["items"] if item["number"] == number)


async def test_a_task_is_as_far_as_its_milestones_by_weight(door: Door) -> None:
    listed = await progress(door)
    task = of_task(listed, 14)
    assert (listed["plan"], listed["by"], len(listed["items"])) == (XINMI, "task", 21)
    exact = (3 * Decimal("33.3333333") + 60 + 10) / 5
    assert Decimal(task["percent"]) == exact
    assert (task["percent"], task["display"], task["weight"]) == ("33.99999998", "34.00", "5")
    assert (task["milestones"], task["closed"], task["overdue"]) == (3, 0, 1)
    assert (task["next_due_date"], task["whole"]) == ("2026-01-31", True)
    assert (task["light"], task["reason_code"]) == ("red", "milestones_red")
    assert task["reason"] == "1 项里程碑亮红灯，其中 1 项逾期"
    (measure,) = task["measures"]
    assert (measure["code"], measure["percent"]) == ("14.1", task["percent"])
    assert measure["lead_units"] == ["UN10"]


async def test_one_task_is_told_as_in_the_list(door: Door) -> None:
    async with await door.as_("office") as office:
        one = await office.get(f"{TASKS}/14/progress")
        none = await office.get(f"{TASKS}/99/progress")
        again = await office.get(
            f"{TASKS}/14/progress", headers={"If-None-Match": one.headers["ETag"]}
        )
        plain = await office.get(f"{TASKS}/14")
    listed = await progress(door)
    assert one.json() == {
        **of_task(listed, 14),
        **{name: listed[name] for name in ("plan", "period", "local_date")},
    }
    assert (none.status_code, none.json()["code"]) == (404, "task-not-found")
    assert again.status_code == 304
    assert plain.json()["number"] == 14


async def test_the_lights_of_linked_indicators_count(door: Door) -> None:
    before = of_task(await progress(door), 16)
    assert (before["light"], before["percent"]) == ("green", "100")
    linked = [one["code"] for one in before["indicators"]]
    assert linked == ["U02", "D02"]
    async with await door.as_("office") as office:
        await office.post(f"/plans/{XINMI}/periods/2025/open", json=IN_TIME)
        # What the superior assigned was not reached when the year was over.
        await office.put(
            f"/plans/{XINMI}/indicators/D02/targets/2025",
            json={
                "kind": "at_least",
                "value": "99",
                "document_number": "郑环文〔2025〕18号",
                "document_date": "2025-03-20",
            },
        )
        indicator = (await office.get(f"/plans/{XINMI}/indicators/D02")).json()
        owner = indicator["owners"][0]["code"]
        made = await office.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(
                indicator_code="D02", organization_code=owner, value="90", on_behalf_of=owner
            ),
        )
    async with await door.as_("lead", owner) as lead:
        approved = await lead.post(f"/submissions/{made.json()['id']}/approve")
        assert approved.status_code == 200, approved.text
    await door.react()
    task = of_task(await progress(door), 16)
    assert (task["light"], task["reason_code"]) == ("red", "indicators_red")
    assert task["reason"] == "关联指标亮红灯：D02"
    shown = {one["code"]: one["light"] for one in task["indicators"]}
    assert shown["D02"] == "red"
    assert task["percent"] == "100"


async def test_a_unit_is_as_far_as_what_it_leads(door: Door) -> None:
    listed = await progress(door, by="lead")
    units = {item["organization_code"]: item for item in listed["items"]}
    assert list(units)[:2] == ["UN12", "UN22"], "as the plan prints its units"
    lead = units["UN10"]
    assert [one["code"] for one in lead["measures"]] == ["13.1", "14.1", "15.1"]
    assert (lead["percent"], lead["number"], lead["name"]) == ("33.99999998", None, "市农委")
    assert lead["measures"][0]["percent"] is None


async def test_a_township_is_as_far_as_what_it_promised_itself(door: Door) -> None:
    listed = await progress(door, by="township")
    towns = {item["organization_code"]: item for item in listed["items"]}
    assert len(towns) == 18
    assert (towns[TOWN]["percent"], towns[TOWN]["milestones"]) == ("60", 1)
    assert (towns[OTHER_TOWN]["percent"], towns[OTHER_TOWN]["light"]) == ("10", "red")
    assert towns["410183100"]["percent"] is None
    assert (towns["410183100"]["light"], towns["410183100"]["reason_code"]) == (
        "grey", "nothing_to_judge",
    )  # fmt: skip
    assert [one["code"] for one in towns[TOWN]["measures"]] == ["14.1"]


async def test_everybody_is_told_of_what_they_may_see_and_whether_that_is_all(door: Door) -> None:
    lead = of_task(await progress(door, "lead", "UN10"), 14)
    clerk = of_task(await progress(door, "reporter", TOWN), 14)
    stranger = of_task(await progress(door, "reporter", "UN22"), 14)
    superior = of_task(await progress(door, "superior"), 14)
    assert (lead["percent"], lead["milestones"], lead["whole"]) == ("33.99999998", 3, True)
    assert (clerk["percent"], clerk["milestones"], clerk["whole"]) == ("60", 1, False)
    assert (stranger["percent"], stranger["whole"]) == (None, False)
    assert (superior["percent"], superior["whole"]) == (None, False)
    towns = (await progress(door, "reporter", TOWN, by="township"))["items"]
    mine = {one["organization_code"]: (one["whole"], one["percent"]) for one in towns}
    assert (mine[TOWN], mine[OTHER_TOWN]) == ((True, "60"), (False, None))


async def test_a_period_may_be_named_and_must_be_one(door: Door) -> None:
    assert (await progress(door))["period"] == "2025"
    assert (await progress(door, period="2024"))["period"] == "2024"
    async with await door.as_("office") as office:
        wrong = await office.get(f"{TASKS}/progress", params={"period": "2025-13"})
        how = await office.get(f"{TASKS}/progress", params={"by": "colour"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/period")
    assert (how.status_code, how.json()["errors"][0]["pointer"]) == (422, "/query/by")


@pytest.mark.parametrize("by", ["task", "lead", "township"])
async def test_its_statements_are_as_many_however_much_there_is(door: Door, by: str) -> None:
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        told.append(statement)

    await progress(door, by=by)  # what is kept is read
    engine = door.held.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        await progress(door, by=by)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len([one for one in told if "milestone" in one]) == 1
    assert len(told) <= 2

"""What other sources say is kept beside the official value: once, exact, and for whom it is."""

from typing import Any

import pytest

from tests.support.api import XINMI, Door
from tests.support.observed import OBSERVATIONS, a_figure, load_sources, observed
from tests.support.reported import a_period, reported
from tests.support.statements_counted import statements_of

BATCH = f"{OBSERVATIONS}/batch"


@pytest.fixture(scope="module", autouse=True)
async def _sources(door: Door) -> None:
    await load_sources(door)


async def written(door: Door) -> list[int]:
    """Return how many observations, things said and events of them there are."""
    tables = ("observation", "observation_history", "event WHERE type LIKE 'observation.%'")
    fetch = door.held.database.pool.fetchval
    return [await fetch(f"SELECT count(*) FROM {one}") for one in tables]


async def test_a_figure_is_kept_once_and_corrected_beside_the_official_one(door: Door) -> None:
    submission = await reported(door)
    said = a_figure(
        period=submission["period"],
        value="40.649999999999999999",
        observed_at="2026-03-01T08:00:00+08:00",
    )
    async with await door.as_("office") as office:
        first = await office.post(OBSERVATIONS, json=said)
        before = await written(door)
        again = await office.post(OBSERVATIONS, json=said)
        preview = await office.post(
            OBSERVATIONS, json={**said, "reference": "YB-2"}, params={"validate_only": "true"}
        )
        assert await written(door) == before
        corrected = await office.post(
            OBSERVATIONS,
            json={**said, "reference": "YB-2", "value": None, "numerator": "1", "denominator": "3"},
        )
        late = await office.post(OBSERVATIONS, json=said)
        reused = await office.post(OBSERVATIONS, json={**said, "value": "1"})
        path = first.headers["Location"].removeprefix("/v1")
        now = await office.get(path)
        history = (await office.get(f"{path}/history")).json()["items"]
        official = await office.get(f"/submissions/{submission['id']}")
    assert (first.status_code, again.status_code, corrected.status_code) == (201, 200, 200)
    assert first.json()["value"] == "40.649999999999999999"
    assert first.json()["observed_at"] == "2026-03-01T00:00:00Z"
    assert again.json() == first.json()
    assert (preview.status_code, preview.json()["version"]) == (200, 2)
    assert corrected.json()["value"] == "33.33333333333333333333", "by the indicator's multiplier"
    assert late.json() == now.json() == corrected.json(), "what is known brings nothing back"
    assert now.headers["ETag"] == corrected.headers["ETag"] != first.headers["ETag"]
    assert (reused.status_code, reused.json()["errors"][0]["code"]) == (422, "reference-reused")
    assert [(one["version"], one["action"]) for one in history] == [
        (1, "recorded"),
        (2, "corrected"),
    ]
    assert history[1]["before"]["value"] == "40.649999999999999999"
    assert official.json() == submission | {"allowed_actions": official.json()["allowed_actions"]}


async def test_zero_not_applicable_and_nothing_are_three_things(door: Door) -> None:
    async with await door.as_("office") as office:
        period = a_period()
        zero = await observed(office, period=period, value="0")
        none = await observed(
            office, period=period, reference="2", value=None, not_applicable_reason="未统计"
        )
        blank = await office.post(OBSERVATIONS, json=a_figure(period=period, value=None))
    assert (zero["value"], zero["not_applicable_reason"]) == ("0", None)
    assert (none["value"], none["not_applicable_reason"]) == (None, "未统计")
    assert [one["code"] for one in blank.json()["errors"]] == ["value-missing"]


async def test_a_share_of_another_source_has_no_part_below_zero_either(door: Door) -> None:
    figure = a_figure(value=None, numerator="-40", denominator="-95")
    async with await door.as_("office") as office:
        refused = await office.post(OBSERVATIONS, json=figure)
    assert refused.status_code == 422, refused.text
    told = {(one["pointer"], one["code"]) for one in refused.json()["errors"]}
    assert told == {("/numerator", "negative-part"), ("/denominator", "negative-part")}


async def test_every_fault_is_told_at_once(door: Door) -> None:
    wrong = {
        "source_code": "YEARBOK",
        "indicator_code": "U8",
        "organization_code": "UN15",
        "period": "2099",
        "value": "1,5",
    }
    async with await door.as_("office") as office:
        answer = await office.post(OBSERVATIONS, json=wrong)
        listed = await office.get(OBSERVATIONS, params={"source_code": "YEARBOK"})
    told = {(one["pointer"], one["code"]) for one in answer.json()["errors"]}
    assert answer.status_code == 422
    assert told == {
        ("/source_code", "unknown-source"),
        ("/indicator_code", "unknown-indicator"),
        ("/period", "period-not-begun"),
        ("/value", "decimal"),
        ("/reference", "missing"),
    }
    assert "YEARBOOK" in str(answer.json()["errors"])
    assert listed.json()["errors"][0]["pointer"] == "/query/source_code"


async def test_a_batch_tells_of_each_and_takes_the_statements_of_one(door: Door) -> None:
    period = a_period()
    units = ("UN15", "UN10", "UN04", "UN05", "UN06")
    good = [a_figure(period=period, organization_code=unit, value=0) for unit in units]
    for one in good:
        del one["source_code"]
    twice = [{**good[0], "indicator_code": "U07"}] * 2
    bad = {**good[0], "indicator_code": "NOPE", "value": "x"}
    counts = []
    async with await door.as_("office") as office:
        for items in (good[:1], good, [*good, *twice, bad]):
            with statements_of(door) as asked:
                answer = await office.post(BATCH, json={"source_code": "YEARBOOK", "items": items})
            counts.append(len(asked))
        before = await written(door)
        again = await office.post(BATCH, json={"source_code": "YEARBOOK", "items": good})
        assert await written(door) == before
        renewed = [{**one, "reference": "YB-2"} for one in good]
        corrected = await office.post(BATCH, json={"source_code": "YEARBOOK", "items": renewed})
    report = answer.json()
    assert counts[0] == counts[1]
    assert [report[name] for name in ("created", "unchanged", "rejected")] == [0, 5, 3]
    assert [one["code"] for one in report["items"][5]["errors"]] == ["duplicate-row"]
    assert {one["code"] for one in report["items"][7]["errors"]} == {"unknown-indicator", "decimal"}
    assert (again.json()["unchanged"], corrected.json()["corrected"]) == (5, 5)


async def test_a_source_is_written_for_by_whom_the_plan_names(door: Door) -> None:
    sensor = {"source_code": "SENSOR", "period": a_period()}
    statuses: dict[str, int] = {}
    keys = {
        "unit of the source": ("reporter", "UN10"),
        "another unit": ("reporter", "UN15"),
        "a role that is not named": ("office", None),
        "reads only": ("leader", None),
    }
    for name, (role, unit) in keys.items():
        async with await door.as_(role, unit) as client:
            statuses[name] = (await client.post(OBSERVATIONS, json=a_figure(**sensor))).status_code
    assert statuses == {
        "unit of the source": 201,
        "another unit": 403,
        "a role that is not named": 403,
        "reads only": 403,
    }


async def test_who_sees_an_observation(door: Door) -> None:
    period = a_period()
    async with await door.as_("reporter", "UN10") as maker:
        made = await observed(maker, source_code="SENSOR", period=period)
    seen: dict[str, Any] = {}
    for role, unit in (
        *(("reporter", "UN10"), ("reporter", "UN15"), ("reporter", "UN04"), ("lead", "UN15")),
        *(("office", None), ("superior", None)),
    ):
        async with await door.as_(role, unit) as client:
            one = await client.get(f"/observations/{made['id']}")
            history = await client.get(f"/observations/{made['id']}/history")
            listed = await client.get(OBSERVATIONS, params={"period": period})
        assert one.status_code == history.status_code
        seen[f"{role} {unit}"] = (one.status_code, len(listed.json()["items"]))
    assert seen == {
        "reporter UN10": (200, 1),
        "reporter UN15": (200, 1),
        "reporter UN04": (404, 0),
        "lead UN15": (200, 1),
        "office None": (200, 1),
        "superior None": (404, 0),
    }


async def test_a_form_shows_what_other_sources_say_of_its_values(door: Door) -> None:
    period = a_period()
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        made = await observed(office, period=period, observed_at="2026-03-01T00:00:00Z")
        form = await unit.get(f"/plans/{XINMI}/form", params={"period": period})
    (cell,) = [one for one in form.json()["cells"] if one["indicator_code"] == "U08"]
    (told,) = cell["observations"]
    assert (told["id"], told["value"], told["reference"]) == (made["id"], "38.3", "YB-1")
    assert (told["source_name"], told["observed_at"]) == ("新密市统计年鉴", "2026-03-01T00:00:00Z")
    assert told["recorded_at"] == made["updated_at"]
    assert cell["submission"] is None, "nothing is taken over by itself"
    assert form.json()["prefilled"] >= 1

"""What a preview says of the scores comes true, on every board and to the last digit."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

import pytest

from services.core.plan.document import PlanDocument
from tests.support.api import Door
from tests.support.clock import at
from tests.unit.scoring.builders import a_document, a_target, an_indicator

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
TOWNS = ["ZW01", "ZW02", "ZW03"]
MONTHS = [f"2031-{month:02}" for month in (1, 2, 3, 4)]
QUARTERS = ["2031-Q1", "2031-Q2"]
PERIODS = [*MONTHS, *QUARTERS, "2031-H1", "2030", "2031"]
BASES = ("approved", "submitted")
OVERALL = ("score", "display", "grade", "coverage")
STANDING = ("state", "value", "attainment", "weight", "light")


def _document() -> PlanDocument:
    """Every way in which units and periods combine, and a target that compares with last year."""
    shared: dict[str, Any] = {"owners": TOWNS}
    parts = {"units": "ratio_of_sums", "periods": "ratio_of_sums"}
    own = {**a_target("at_least", 40, 2031, "≥40"), "organization": "ZW02"}
    return a_document(
        an_indicator("A", owners=["ZW01"], targets=[a_target(value=80, year=2031)]),
        an_indicator("B", owners=["ZW02"], targets=[a_target("rising", None, 2031, "上升")]),
        an_indicator(
            "C",
            **shared,
            targets=[a_target(value=900, year=2031)],
            frequency="monthly",
            aggregation={"units": "sum", "periods": "sum"},
            unit_targets=[own],
        ),
        an_indicator(
            "D",
            **shared,
            targets=[a_target(value=60, year=2031)],
            frequency="quarterly",
            aggregation={"units": "mean", "periods": "mean"},
        ),
        an_indicator(
            "E",
            **shared,
            targets=[a_target(value=50, year=2031)],
            frequency="monthly",
            aggregation=parts,
            group="S",
        ),
        code=CODE,
        span={"start": "2030-01-01", "end": "2031-12-31"},
        organizations=[{"code": code, "name": f"镇{code[-1]}", "kind": "town"} for code in TOWNS],
    )


PLACES = [
    *product(["A"], ["ZW01", "ZW03"], ["2031"]),
    *product(["B"], ["ZW02"], ["2030", "2031"]),
    *product(["C", "E"], TOWNS, MONTHS),
    *product(["D"], TOWNS, QUARTERS),
]


@pytest.fixture(scope="module")
async def plan(door: Door) -> Door:
    """A plan whose year 2031 was opened and is over."""
    at(door, "2032-01-12", "10:00:00")
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", json=_document().model_dump(mode="json"))
    assert loaded.status_code == 201, loaded.text
    async with await door.as_("office") as office:
        for period in ("2031-01", "2031-Q1", "2031"):
            opened = await office.post(
                f"{PLAN}/periods/{period}/open", json={"due_date": "2032-01-20"}
            )
            assert opened.status_code == 200, opened.text
    await door.react()
    return door


def _rows(random: Random) -> Iterator[Mapping[str, object]]:
    """Yield rows of some places: new values, others, drafts, ratios, none at all, withdrawals."""
    for code, unit, period in random.sample(PLACES, random.randint(1, 9)):
        row: dict[str, object] = {
            "indicator_code": code,
            "organization_code": unit,
            "period": period,
        }
        kind = random.choice(["value", "value", "ratio", "none", "draft", "delete"])
        if kind == "delete":
            yield {**row, "op": "delete"}
        elif kind == "none":
            yield {**row, "not_applicable_reason": "停产"}
        elif code == "E" or kind == "ratio":
            yield {
                **row,
                "numerator": random.randint(0, 90),
                "denominator": random.randint(90, 100),
            }
        else:
            status = random.choice(["final", "provisional"])
            draft = kind == "draft"
            value = random.randint(0, 100)
            yield {**row, "value": value, "data_status": status, "draft": draft}


async def _boards(door: Door, basis: str) -> dict[str, Any]:
    """Return every scoreboard of a basis by period."""
    await door.react()
    found = {}
    async with await door.as_("office") as office:
        for period in PERIODS:
            answer = await office.get(
                f"{PLAN}/scoreboard", params={"period": period, "basis": basis}
            )
            assert answer.status_code == 200, answer.text
            found[period] = answer.json()
    return found


def _told(board: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a scoreboard what a preview tells of it."""
    rows = {row["code"]: {name: row[name] for name in STANDING} for row in board["indicators"]}
    return {**{name: board["overall"][name] for name in OVERALL}, "rows": rows}


def _foreseen(
    boards: Mapping[str, Any], scores: Sequence[Mapping[str, Any]], basis: str
) -> dict[str, Any]:
    """Return the boards as a preview says that they will be."""
    told = {period: _told(board) for period, board in boards.items()}
    for one in scores:
        if one["basis"] == basis:
            board = told[one["period"]]
            assert {name: board[name] for name in OVERALL} == one["from"], one["period"]
            rows = dict(board["rows"])
            for each in one["indicators"]:
                assert rows[each["code"]] == each["before"]
                rows[each["code"]] = each["after"]
            told[one["period"]] = {**one["to"], "rows": rows}
    return told


def _counts(change: Mapping[str, Any]) -> bool:
    """Return whether a row would be handed in with a number that it had not before."""
    return change["after"].get("state") == "submitted" and "value" in change["after"]


async def _posted(door: Door, path: str, body: object = None, **params: str) -> Any:
    async with await door.as_("office") as office:
        answer = await office.post(f"{PLAN}/submissions/{path}", json=body, params=params)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.parametrize("seed", range(6))
async def test_what_a_preview_says_of_the_scores_comes_true(plan: Door, seed: int) -> None:
    """One preview after the other, each committed and approved, on what those before left."""
    door, random = plan, Random(seed)  # noqa: S311 (the same each time)
    before = {basis: await _boards(door, basis) for basis in BASES}
    body = {"items": list(_rows(random))}
    preview = (await _posted(door, "batch", body, validate_only="true"))["preview"]
    assert preview["scores"] or not any(map(_counts, preview["changes"]))
    expected = {basis: _foreseen(before[basis], preview["scores"], basis) for basis in BASES}
    report = await _posted(door, f"batch/previews/{preview['preview_id']}/commit")
    submitted = await _boards(door, "submitted")
    assert {p: _told(board) for p, board in submitted.items()} == expected["submitted"]
    waiting = [
        {"id": row["id"]}
        for row in report["items"]
        if row["outcome"] in {"created", "updated"} and row["state"] == "submitted"
    ]
    if waiting:  # nobody approves what their own key wrote
        async with door.client(await door.new_key("office")) as other:
            answer = await other.post(f"{PLAN}/submissions/approve", json={"items": waiting})
        assert answer.json()["refused"] == 0, answer.text
    approved = await _boards(door, "approved")
    assert {p: _told(board) for p, board in approved.items()} == expected["approved"]
    await _agrees_with_changes(door, before["approved"], preview["scores"])
    # The next round finds values under review to withdraw, and approved ones under correction.
    await _posted(door, "batch", {"items": list(_rows(random))})
    async with await door.as_("office") as office:
        for one in waiting[::3]:
            again = await office.post(f"/submissions/{one['id']}/reopen", json={"reason": "so"})
            assert again.status_code == 200, again.text


async def _agrees_with_changes(
    door: Door, before: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]
) -> None:
    """Hold the official boards against what `scoreboard/changes` says of the same difference."""
    async with await door.as_("office") as office:
        for one in scores:
            if one["basis"] != "approved":
                continue
            answer = await office.get(
                f"{PLAN}/scoreboard/changes",
                params={
                    "period": one["period"],
                    "from": str(before[one["period"]]["position"]),
                },
            )
            said = answer.json()
            assert said["difference"] == one["difference"]
            parts = {each["code"]: each["difference"] for each in said["indicators"]}
            assert parts == {each["code"]: each["difference"] for each in one["indicators"]}


async def test_a_single_value_is_named_and_many_are_counted(plan: Door) -> None:
    one = {"indicator_code": "A", "organization_code": "ZW01", "period": "2031"}
    made = await _posted(plan, "batch", {"items": [{**one, "op": "delete"}]})
    assert made["deleted"] + made["rejected"] == 1
    if made["rejected"]:
        async with await plan.as_("office") as office:
            found = await office.get(
                f"{PLAN}/submissions", params={"indicator_code": "A", "period": "2031"}
            )
            for each in found.json()["items"]:
                if each["organization_code"] == "ZW01" and each["state"] == "approved":
                    again = await office.post(
                        f"/submissions/{each['id']}/reopen", json={"reason": "so"}
                    )
                    assert again.status_code == 200, again.text
    many = [
        {"indicator_code": "C", "organization_code": unit, "period": "2031-12", "value": "7"}
        for unit in TOWNS
    ]
    items = [{**one, "value": "33.5"}, *many]
    preview = (await _posted(plan, "batch", {"items": items}, validate_only="true"))["preview"]
    (year,) = [
        each
        for each in preview["scores"]
        if (each["period"], each["basis"]) == ("2031", "approved")
    ]
    causes = {each["code"]: each["causes"] for each in year["indicators"]}
    ((single,), (added,)) = causes["A"], causes["C"]
    assert (single["organization_code"], single["period"], single["more_values"]) == (
        "ZW01",
        "2031",
        0,
    )
    assert (added["kind"], added["submission_id"], added["more_values"]) == ("value", None, 2)


async def test_a_hundred_boards_are_looked_at_and_the_rest_counted(plan: Door) -> None:
    code = "410183-long"
    document = a_document(
        an_indicator(
            "A", owners=["ZW01"], frequency="monthly", targets=[a_target(value=80, year=2031)]
        ),
        code=code,
        span={"start": "2022-01-01", "end": "2031-12-31"},
        organizations=[{"code": "ZW01", "name": "镇1", "kind": "town"}],
    )
    async with plan.client(plan.admin_secret) as admin:
        loaded = await admin.post("/plans", json=document.model_dump(mode="json"))
    assert loaded.status_code == 201, loaded.text
    items = [
        {
            "indicator_code": "A",
            "organization_code": "ZW01",
            "period": f"{year}-{month:02}",
            "value": year - 1990,
        }
        for year, month in product(range(2022, 2032), range(1, 13))
    ]
    async with await plan.as_("office") as office:
        answer = await office.post(
            f"/plans/{code}/submissions/batch",
            json={"items": items},
            params={"validate_only": "true"},
        )
    preview = answer.json()["preview"]
    periods = 10 * (12 + 4 + 2 + 1)
    assert (len(preview["scores"]), preview["more_scores"]) == (100, 2 * periods - 100)
    told = {one["period"] for one in preview["scores"]}
    assert {"2031", "2031-01", "2030-Q1"} <= told
    assert not any(period.startswith("2028") for period in told)

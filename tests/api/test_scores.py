"""The scoreboard, series and traces as callers read them, with the worker's work done between."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import Request, Response

from services.api.problems import language_of
from services.api.response_cache import CachedRoute
from services.api.routing import versioned_router
from tests.support.api import IN_TIME, ROOT, Door
from tests.support.clock import stopped_at
from tests.support.scores import PLAN, approved, board, row_of

pytestmark = pytest.mark.citus

INDEX = "110000-2016"


async def test_an_approval_moves_figure_light_and_trace(door: Door) -> None:
    before = row_of(await board(door, "2025"), "U08")
    made = await approved(door, value="39")
    after = row_of(await board(door, "2025"), "U08")
    async with await door.as_("leader") as leader:
        trace = (await leader.get(f"{PLAN}/indicators/U08/score", params={"period": "2025"})).json()
        series = (await leader.get(f"{PLAN}/indicators/U08/series")).json()
    assert (before["state"], before["light"]) == ("not_opened", "grey")
    assert (after["state"], after["value"], after["met"]) == ("scored", "39", False)
    assert (after["attainment"], after["light"]) == ("97.5", "red")
    assert after["reason"]
    assert [one["submission_id"] for one in trace["submissions"]] == [made]
    assert trace["score"] == after
    assert any("97.5" in step for step in trace["steps"])
    assert [point["period"] for point in series["items"]] == ["2025"]


async def test_the_steps_of_a_score_are_in_the_language_that_was_asked_for(door: Door) -> None:
    path = f"{PLAN}/indicators/U08/score"
    async with await door.as_("leader") as leader:
        for asked, language, said in (
            ("zh-CN", "zh-CN", "没有计入的数据"),
            ("en", "en", "Nothing that counts was reported"),
        ):
            answer = await leader.get(
                path, params={"period": "2024-Q1"}, headers={"Accept-Language": asked}
            )
            assert answer.json()["steps"][0] == said
            assert answer.headers["Content-Language"] == language
            assert answer.headers["Vary"] == "Authorization, Accept-Language"


async def test_what_is_said_in_one_language_is_not_kept_for_another(door: Door) -> None:
    router = versioned_router("scores", route_class=CachedRoute)

    @router.get("/greeting")
    async def greet(request: Request) -> Response:
        language = language_of(request)
        return Response(language, headers={"Content-Language": language, "ETag": f'"{language}"'})

    door.app.router.routes[:0] = router.routes
    try:
        async with await door.as_("leader") as leader:
            for language in ("zh-CN", "en", "zh-CN"):
                answer = await leader.get("/greeting", headers={"Accept-Language": language})
                assert answer.text == language
    finally:
        del door.app.router.routes[0]


async def test_a_kept_scoreboard_is_not_shown_once_it_is_old(door: Door) -> None:
    first = await board(door, "2023")
    assert await board(door, "2023") == first
    await approved(door, period="2023", value="41")
    assert row_of(await board(door, "2023"), "U08")["value"] == "41"


async def test_the_past_is_read_as_it_was(door: Door) -> None:
    made = await approved(door, period="2024", value="38.5")
    then = (await board(door, "2024"))["as_of"]
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as clerk:
        reopened = await office.post(f"/submissions/{made}/reopen", json={"reason": "更正"})
        etag = {"If-Match": reopened.headers["ETag"]}
        await clerk.patch(f"/submissions/{made}", json={"value": "39.5"}, headers=etag)
        await clerk.post(f"/submissions/{made}/submit")
        await door.react()
        assert row_of(await board(door, "2024"), "U08")["value"] == "38.5"
        assert row_of(await board(door, "2024", basis="submitted"), "U08")["value"] == "39.5"
        await office.post(f"/submissions/{made}/approve")
    await door.react()
    assert row_of(await board(door, "2024"), "U08")["value"] == "39.5"
    assert row_of(await board(door, "2024", as_of=then), "U08")["value"] == "38.5"


async def test_what_is_under_review_is_shown_to_those_who_see_it_only(door: Door) -> None:
    await approved(door, period="2025-Q2", value="38")
    async with await door.as_("reporter", "410183107") as town:
        hidden = await town.get(f"{PLAN}/scoreboard", params={"basis": "submitted"})
        official = await town.get(f"{PLAN}/scoreboard")
        trace = await town.get(f"{PLAN}/indicators/U08/score", params={"period": "2025-Q2"})
    assert hidden.status_code == 403
    assert official.status_code == 200
    assert trace.json()["submissions"] == []
    assert trace.json()["submissions_outside_scope"] == 1


async def test_a_trace_keeps_another_units_figures_to_itself(door: Door) -> None:
    await approved(door, period="2025-Q3", value=None, numerator="8.523", denominator="21.147")
    path, period = f"{PLAN}/indicators/U08/score", {"period": "2025-Q3"}
    told = {}
    for role, unit in (("reporter", "410183107"), ("reporter", "UN15"), ("leader", None)):
        async with await door.as_(role, *([unit] if unit else [])) as caller:
            told[unit] = (await caller.get(path, params=period)).json()
    secret = "8.523"
    assert secret not in str(told["410183107"])
    assert told["410183107"]["trace"]["operands"]["outside_scope"] == 1
    assert told["410183107"]["submissions_outside_scope"] == 1
    for unit in ("UN15", None):
        assert secret in str(told[unit]["steps"])
        assert secret in str(told[unit]["trace"])
        assert told[unit]["submissions_outside_scope"] == 0


async def test_an_assigned_target_makes_its_indicator_assessable(door: Door) -> None:
    await approved(door, indicator_code="D06", value="88")
    before = row_of(await board(door, "2025"), "D06")
    async with await door.as_("superior") as superior:
        await superior.put(
            f"{PLAN}/indicators/D06/targets/2025",
            json={
                "kind": "at_least",
                "value": "80",
                "document_number": "郑环文〔2025〕18号",
                "document_date": "2025-03-20",
            },
        )
    await door.react()
    after = row_of(await board(door, "2025"), "D06")
    assert (before["state"], before["light"]) == ("not_assessable", "grey")
    assert (after["state"], after["met"], after["target"]["value"]) == ("scored", True, "80")
    assert after["reason"] == "已达到2025年目标（≥ 80）"
    assert after["reason_en"] == "The 2025 target (≥ 80) is met"


async def test_a_missing_value_counts_from_its_due_date_on(door: Door) -> None:
    held = door.held
    door.app.state.resources = replace(held, clock=stopped_at("2023-01-10", "09:00:00"))
    async with await door.as_("office") as office:
        opened = await office.post(f"{PLAN}/periods/2022/open")
    door.app.state.resources = held
    await door.react()
    row = row_of(await board(door, "2022"), "R08")
    assert opened.json()["due_date"] == "2023-01-31"
    assert (row["state"], row["attainment"]) == ("missing", "0")


async def test_a_published_scoreboard_stays_as_it_was(door: Door) -> None:
    await approved(door, period="2021", value="40")
    async with await door.as_("office") as office:
        await office.post(f"{PLAN}/periods/2021/open", json=IN_TIME)
        await office.post(f"{PLAN}/periods/2021/publish")
    await door.react()
    frozen = await board(door, "2021")
    assert frozen["publication_number"] == 1
    assert row_of(frozen, "U08")["value"] == "40"
    async with await door.as_("office") as office:
        await office.post(
            f"{PLAN}/open-questions/T02/settle",
            json={"decision": "x", "document_number": "y", "document_date": "2025-01-01"},
        )
    await door.react()
    assert await board(door, "2021") == frozen


@pytest.mark.parametrize(
    ("values", "score", "display"),
    [
        (("82.92", "98.36", "78.75", "70.86", "93.91", "83.15"), "83.70513", "83.71"),
        (("83.87", "80.83", "79.60", "69.34", "72.18", "73.22"), "78.092", "78.09"),
    ],
    ids=["Beijing", "Henan"],
)
async def test_a_published_index_is_reproduced_from_another_citys_plan(
    door: Door, values: tuple[str, ...], score: str, display: str
) -> None:
    document = (ROOT / "plans/examples/green-development-index.yaml").read_bytes()
    period = "2016" if display == "83.71" else "2017"
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post(
            "/plans", content=document, headers={"Content-Type": "application/yaml"}
        )
        assert loaded.status_code in {200, 201}, loaded.text
        plan = (await admin.get(f"/plans/{INDEX}")).json()["document"]
        secrets = [
            (
                await admin.post(
                    "/api-keys", json={"name": "office", "role": "office", "plan": INDEX}
                )
            ).json()["secret"]
            for _ in range(2)
        ]
    unit = next(one["code"] for one in plan["organizations"] if one.get("submits", True))
    async with door.client(secrets[0]) as reports, door.client(secrets[1]) as approves:
        for indicator, value in zip(plan["indicators"], values, strict=True):
            await _report(reports, approves, indicator, unit, period, value)
        await door.react()
        found = (await approves.get(f"/plans/{INDEX}/scoreboard", params={"period": period})).json()
    assert abs(Decimal(found["overall"]["score"]) - Decimal(score)) <= Decimal("0.01")
    assert found["overall"]["display"] == display
    assert found["overall"]["coverage"] == "1"


async def _report(
    reports: httpx.AsyncClient,
    approves: httpx.AsyncClient,
    indicator: Mapping[str, Any],
    unit: str,
    period: str,
    value: str,
) -> None:
    made = await reports.post(
        f"/plans/{INDEX}/submissions",
        json={
            "indicator_code": indicator["code"],
            "organization_code": (indicator.get("owners") or [unit])[0],
            "period": period,
            "value": value,
        },
    )
    assert made.status_code == 201, made.text
    done = await approves.post(f"/submissions/{made.json()['id']}/approve")
    assert done.status_code == 200, done.text

"""Nothing that was said is passed over, and whoever misspells is told what was meant."""

import httpx
import pytest

from tests.support.api import IN_TIME, XINMI, Door, a_submission

PLAN = f"/plans/{XINMI}"


def faults(answer: httpx.Response) -> dict[str, tuple[str, str]]:
    """Return the faults of a refusal, by where they stand."""
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: (one["code"], one["detail"]) for one in answer.json()["errors"]}


async def test_a_misspelt_preview_writes_nothing_and_is_told_its_name(door: Door) -> None:
    body = a_submission(period="2023-05")
    async with await door.as_("office") as office:
        answer = await office.post(f"{PLAN}/submissions?validate_onyl=true", json=body)
        listed = await office.get(f"{PLAN}/submissions?period=2023-05")
    code, detail = faults(answer)["/query/validate_onyl"]
    assert code == "unknown-parameter"
    assert "validate_only" in detail
    assert listed.json()["items"] == []


async def test_an_unknown_filter_is_told_the_nearest_or_every_name(door: Door) -> None:
    async with await door.as_("office") as office:
        near = await office.get(f"{PLAN}/obligations?indicator_cod=U08")
        far = await office.get(f"{PLAN}/milestones?zzz=1", headers={"Accept-Language": "zh-CN"})
        none = await office.get("/me?verbose=1")
    assert "did you mean indicator_code?" in faults(near)["/query/indicator_cod"][1]
    assert "可写：" in faults(far)["/query/zzz"][1]
    assert "organization_code" in faults(far)["/query/zzz"][1]
    assert "takes none" in faults(none)["/query/verbose"][1]


async def test_unknown_parameters_beyond_the_twentieth_are_counted(door: Door) -> None:
    many = {f"p{number}": "1" for number in range(25)}
    async with await door.as_("office") as office:
        told = faults(await office.get(f"{PLAN}/submissions", params={**many, "page_size": "0"}))
        none = faults(await office.get("/me", params=many))
    twenty = {f"/query/p{number}" for number in range(20)}
    assert set(told) == {*twenty, "/query", "/query/page_size"}
    assert set(none) == {*twenty, "/query"}
    assert told["/query"] == none["/query"]
    assert "5 more" in told["/query"][1]


async def test_all_faults_are_told_with_what_is_not_read(door: Door) -> None:
    async with await door.as_("office") as office:
        listed = await office.get(f"{PLAN}/submissions?stat=draft&page_size=0&period=2025&period=a")
        made = await office.post(f"{PLAN}/submissions?draft=true", json=a_submission(value="x"))
        moved = await office.post(f"{PLAN}/milestones?x=1", json={"title": 5})
    assert set(faults(listed)) == {"/query/stat", "/query/page_size", "/query/period"}
    assert set(faults(made)) == {"/query/draft", "/value"}
    assert {"/query/x", "/title", "/measure_code"} <= set(faults(moved))


async def test_whoever_may_not_hears_that_before_what_is_not_read(door: Door) -> None:
    async with await door.as_("leader") as leader, door.client(None) as stranger:
        forbidden = await leader.post(f"{PLAN}/submissions?x=1", json=a_submission())
        elsewhere = await leader.get("/plans/999999-2025/submissions?x=1")
        unknown = await stranger.get("/me?x=1")
    assert [one.status_code for one in (forbidden, elsewhere, unknown)] == [403, 404, 401]


@pytest.mark.parametrize("name", ["organization", "indicator"])
async def test_the_old_name_of_a_filter_still_filters(door: Door, name: str) -> None:
    code = {"organization": "UN15", "indicator": "U08"}[name]
    async with await door.as_("office") as office:
        await office.post(f"{PLAN}/periods/2025/open", json=IN_TIME)
        old = await office.get(f"{PLAN}/obligations", params={name: code})
        new = await office.get(f"{PLAN}/obligations", params={f"{name}_code": code})
        both = await office.get(
            f"{PLAN}/obligations", params={name: code, f"{name}_code": "another"}
        )
    assert old.json() == new.json()
    assert {one[f"{name}_code"] for one in new.json()["items"]} == {code}
    assert set(faults(both)) == {f"/query/{name}"}


@pytest.mark.parametrize("blank", ["", "%20", "%E3%80%80"])
async def test_a_parameter_without_a_value_is_no_filter_for_nothing(door: Door, blank: str) -> None:
    async with await door.as_("office") as office:
        answers = {
            path: await office.get(f"{path}?{name}={blank}")
            for path, name in (
                (f"{PLAN}/late", "organization_code"),
                (f"{PLAN}/submissions", "period"),
                (f"{PLAN}/scoreboard", "period"),
                (f"{PLAN}/alerts", "page_token"),
                ("/events", "types"),
            )
        }
        typed = await office.get(f"{PLAN}/submissions?page_size={blank}&organization_code=")
    for path, answer in answers.items():
        ((_, (code, detail)),) = faults(answer).items()
        assert (code, "leave the parameter out" in detail) == ("blank-parameter", True), path
    assert set(faults(typed)) == {"/query/page_size", "/query/organization_code"}
    assert len(typed.json()["errors"]) == 2


async def test_the_types_of_the_feed_are_checked(door: Door) -> None:
    async with await door.as_("office") as office:
        near = await office.get("/events?types=submission.aproved,plan.published")
        far = await office.get("/events?types=x")
        right = await office.get("/events?types=plan.published,score.updated")
    assert "submission.approved" in faults(near)["/query/types"][1]
    assert "milestone" in faults(far)["/query/types"][1]
    assert right.status_code == 200


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b" null\n", b"{}"])
async def test_null_and_an_empty_body_say_nothing(door: Door, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    async with await door.as_("office") as office:
        made = await office.post("/webhook-endpoints", json={"url": "https://example.org/n"})
        path = f"/webhook-endpoints/{made.json()['id']}"
        rotated = await office.post(f"{path}/rotate-secret", content=body, headers=json)
        tested = await office.post(f"{path}/test", content=body, headers=json)
        reason = await office.post("/api-keys", content=body, headers=json)
    assert (rotated.status_code, tested.status_code) == (200, 202), tested.text
    assert reason.status_code == 403


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"{", b"\xff", b'{"a":1,"a":1}'])
async def test_a_body_where_none_is_taken_is_refused_whatever_it_is(
    door: Door, body: bytes
) -> None:
    async with await door.as_("office") as office:
        made = await office.post("/webhook-endpoints", json={"url": "https://example.org/b"})
        path = f"/webhook-endpoints/{made.json()['id']}"
        refused = [
            await office.request(method, address, content=body)
            for method, address in (
                *(("POST", f"{path}/test"), ("DELETE", path), ("GET", path)),
                ("GET", f"{PLAN}/submissions"),
            )
        ]
    assert [faults(one)[""][0] for one in refused] == ["no-body-taken"] * 4


async def test_health_and_the_calendar_file_read_all_that_is_said_too(door: Door) -> None:
    async with await door.as_("office") as office:
        asked = {"name": "日历", "scope": "plan"}
        made = (await office.post(f"{PLAN}/calendar-tokens", json=asked)).json()
    async with door.client(None) as stranger:
        stranger.base_url = httpx.URL("http://wufei.test")
        healthy = await stranger.get("/healthz?verbose=1")
        file = await stranger.get(f"{made['path']}&toke=x")
        metrics = await stranger.get("/metrics?name=wufei")
    assert [set(faults(one)) for one in (healthy, file, metrics)] == [
        {"/query/verbose"},
        {"/query/toke"},
        {"/query/name"},
    ]

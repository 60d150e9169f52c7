"""What a refusal says to a Chinese caller: what to write, whose right it is, and no English."""

from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.chinese import english_in
from tests.support.milestones import a_milestone_in

PLAN = f"/plans/{XINMI}"
ZH = {"Accept-Language": "zh-CN"}


def told(answer: httpx.Response) -> dict[str, str]:
    """Return what is said of each place, no sentence of it in English."""
    problem: dict[str, Any] = answer.json()
    said = {one["pointer"]: one["detail"] for one in problem["errors"]}
    for sentence in (problem["title"], problem["detail"], *said.values()):
        assert english_in(sentence) == [], sentence
    return said


async def test_allowed_values_limits_and_forms_are_named(door: Door) -> None:
    async with await door.as_("office") as office:
        listed = await office.get(
            f"{PLAN}/submissions?state=open&page_size=501&changed_after=x", headers=ZH
        )
        made = await office.post(
            f"{PLAN}/submissions",
            json=a_submission(value="95%", data_status="初步", draft="是", note="长" * 4001),
            headers=ZH,
        )
    assert told(listed) == {
        "/query/state": "应为以下之一：draft、submitted、returned、approved、withdrawn",
        "/query/page_size": "不能大于 500",
        "/query/changed_after": "应为整数，如 3",
    }
    assert told(made) == {
        "/value": "请写 95，去掉百分号",
        "/data_status": "应为以下之一：provisional、final",
        "/draft": "应为 true 或 false",
        "/note": "最多 4000 个字",
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a" 1}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"a: [1", "application/yaml"),
        (b"\xff\xfe", "application/yaml"),
        (b"a: b: c", "application/yaml"),
        (b"5", "application/json"),
        (b"{}", "text/plain"),
        (b"{}", "application/json"),
        (b'{"code": 5, "indicators": [{"x": 1}]}', "application/json"),
    ],
)
async def test_a_document_that_cannot_be_read_is_told_without_english(
    door: Door, body: bytes, kind: str
) -> None:
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post(
            "/plans?validate_only=true", content=body, headers={**ZH, "Content-Type": kind}
        )
    assert answer.status_code in {400, 415, 422}
    told(answer)


async def test_whoever_may_not_is_told_the_role_or_the_scope_it_takes(door: Door) -> None:
    scopes = ["plan:read"]
    narrow = await door.new_key("office", scopes=scopes)
    async with await door.as_("leader") as leader, door.client(narrow) as office:
        role = await leader.post(f"{PLAN}/submissions", json=a_submission(), headers=ZH)
        scope = await office.post(f"{PLAN}/submissions", json=a_submission(), headers=ZH)
    assert (role.status_code, scope.status_code) == (403, 403)
    assert "leader" in role.json()["detail"]
    assert "office" in role.json()["detail"]
    assert "submissions:write" in scope.json()["detail"]
    told(role)
    told(scope)


async def test_a_tag_without_its_quotes_is_not_a_change_by_somebody_else(door: Door) -> None:
    made = await a_milestone_in(door, "assigned")
    path, tag = f"/milestones/{made.json()['id']}", made.headers["ETag"]
    async with await door.as_("office") as office:
        bare, weak, right = [
            await office.patch(path, json={"title": "甲"}, headers={**ZH, "If-Match": value})
            for value in (tag.strip('"'), f"W/{tag}", tag)
        ]
    assert (bare.status_code, weak.status_code, right.status_code) == (422, 422, 200)
    assert told(bare)["/header/if-match"].startswith("不是有效的标记")
    assert "W/" in told(weak)["/header/if-match"]

"""Partners: shown-once secrets with an overlap, what may be asked of them, and how they call."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.core.gateways.counted import forget_old_calls
from services.core.kit.clock import Clock
from tests.support.api import NEIGHBOUR, XINMI, Door, neighbour, open_door
from tests.support.gateways import INTERFACES, a_key, a_partner, called


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(one["pointer"], one["code"]) for one in answer.json()["errors"]}


async def asked(door: Door, **more: Any) -> httpx.Response:
    body = {
        "name": "省平台",
        "profile": "wufei-hmac",
        "key_id": await a_key(door),
        "interfaces": INTERFACES,
        **more,
    }
    async with door.client(door.admin_secret) as admin:
        return await admin.post("/partners", json=body)


async def test_what_is_wrong_with_a_partner_is_told_at_once(door: Door) -> None:
    nobody = "019aafc0-0000-7000-8000-000000000000"
    wrong = await asked(door, profile="tif", key_id=nobody, interfaces=["list_submission"])
    assert faults(wrong) == {
        ("/key_id", "key-not-found"),
        ("/interfaces/0", "unknown-interface"),
        ("/allowed_networks", "networks-required"),
    }
    assert "list_submissions" in wrong.text
    for role, unit in (("office", None), ("reporter", "UN15"), ("system_admin", None)):
        key = await a_key(door, role, organization_code=unit)
        assert faults(await asked(door, key_id=key)) == {("/key_id", "key-not-for-partners")}
    ended = await a_key(door)
    async with door.client(door.admin_secret) as admin:
        await admin.delete(f"/api-keys/{ended}")
    assert faults(await asked(door, key_id=ended)) == {("/key_id", "key-ended")}
    assert faults(await asked(door, interfaces=[])) == {("/interfaces", "too-short")}
    assert faults(await asked(door, output_fields=["Id"])) != set()


async def test_a_secret_is_shown_once_and_kept_sealed(door: Door) -> None:
    body = {
        "name": "一次",
        "profile": "wufei-hmac",
        "key_id": await a_key(door),
        "interfaces": INTERFACES,
    }
    async with door.client(door.admin_secret, **{"Idempotency-Key": "once"}) as admin:
        made, again = [await admin.post("/partners", json=body) for _ in range(2)]
        read = await admin.get(made.headers["Location"].removeprefix("/v1"))
    secret = made.json()["secret"]
    assert (made.status_code, again.json()["secret"]) == (201, None)
    assert "secret" not in read.json()
    kept = await door.held.database.pool.fetch("SELECT secret_sealed FROM partner_secret")
    assert all(secret.encode() not in one["secret_sealed"] for one in kept)
    noted = await door.held.database.pool.fetch("SELECT data::text FROM audit_entry")
    assert all(secret not in one["data"] for one in noted)


async def test_two_secrets_are_good_for_the_overlap_and_no_third(door: Door) -> None:
    partner = await a_partner(door)
    secrets = [partner.secret]
    async with door.client(door.admin_secret) as admin:
        for _ in range(2):
            made = await admin.post(f"/partners/{partner.id}/rotate-secret")
            assert made.status_code == 200, made.text
            secrets.append(made.json()["secret"])
        told = []
        for secret in secrets:
            partner.secret = secret
            told.append((await called(door, partner, "list_indicators", plan=XINMI))[0])
        assert told == [401, 200, 200]
        at_once = {"overlap_seconds": 0}
        made = await admin.post(f"/partners/{partner.id}/rotate-secret", json=at_once)
        assert made.json()["former_secret_expires_at"] is None
    assert (await called(door, partner, "list_indicators", plan=XINMI))[0] == 401
    partner.secret = made.json()["secret"]
    assert (await called(door, partner, "list_indicators", plan=XINMI))[0] == 200


async def test_what_a_partner_may_changes_and_ends(door: Door) -> None:
    partner = await a_partner(door, "national")
    path = f"/partners/{partner.id}"
    async with door.client(door.admin_secret) as admin:
        read = await admin.get(path)
        bare = await admin.patch(path, json={"per_minute": 5})
        assert (bare.status_code, bare.json()["code"]) == (428, "precondition-required")
        match = {"If-Match": read.headers["ETag"]}
        none = await admin.patch(path, json={"allowed_networks": []}, headers=match)
        assert faults(none) == {("/allowed_networks", "networks-required")}
        narrower = {"interfaces": ["list_late", "list_late"], "output_fields": ["title"]}
        changed = await admin.patch(path, json=narrower, headers=match)
        assert changed.json()["interfaces"] == ["list_late"]
        stale = await admin.patch(path, json={"name": "x"}, headers=match)
        assert stale.status_code == 412
    code, data, _ = await called(door, partner, "list_indicators", plan=XINMI)
    assert (code, data["problem"]) == (403, "interface-not-allowed")
    async with door.client(door.admin_secret) as admin:
        ended = [await admin.delete(path) for _ in range(2)]
        assert [one.status_code for one in ended] == [204, 204]
        late = await admin.patch(path, json={"name": "x"}, headers={"If-Match": "*"})
        assert (late.status_code, late.json()["code"]) == (409, "partner-revoked")
        turned = await admin.post(f"{path}/rotate-secret")
        assert (turned.status_code, turned.json()["code"]) == (409, "partner-revoked")
    _, data, _ = await called(door, partner, "list_late", plan=XINMI)
    assert data["problem"] == "signature-wrong"


async def test_an_administrator_of_a_plan_makes_and_sees_partners_of_its_keys_alone(
    door: Door,
) -> None:
    await door.load(neighbour())
    near = await a_partner(door, key_id=await a_key(door, plan=XINMI))
    secret = await door.new_key("system_admin", plan=NEIGHBOUR)
    async with door.client(secret) as other:
        assert (await other.get(f"/partners/{near.id}")).status_code == 404
        assert (await other.delete(f"/partners/{near.id}")).status_code == 404
        listed = (await other.get("/partners")).json()["items"]
        assert near.id not in [one["id"] for one in listed]
        body = {"name": "x", "profile": "wufei-hmac", "interfaces": INTERFACES}
        tried = await other.post("/partners", json={**body, "key_id": await a_key(door)})
        assert faults(tried) == {("/key_id", "key-not-found")}
        key = await a_key(door, plan=NEIGHBOUR)
        own = await other.post("/partners", json={**body, "key_id": key})
        assert own.status_code == 201


async def test_how_a_partner_calls_is_counted_by_operation_and_added_up(door: Door) -> None:
    partner = await a_partner(door)
    for _ in range(3):
        await called(door, partner, "list_indicators", plan=XINMI)
        await door.held.partners.note_use()
    await called(door, partner, "list_indicators", plan="410183-1999")
    await called(door, partner, "get_scoreboard", plan=XINMI)
    await door.held.partners.note_use()
    async with door.client(door.admin_secret) as admin:
        shown = (await admin.get(f"/partners/{partner.id}")).json()
        path = f"/partners/{partner.id}/statistics"
        told = (await admin.get(path)).json()
        before = (await admin.get(path, params={"last_day": "2020-01-01"})).json()
        wide = await admin.get(path, params={"first_day": "2020-01-01"})
    assert (shown["calls"], shown["fault_rate"]) == (5, "0.2000")
    assert shown["last_call_at"] is not None
    board, indicators = told["items"]
    assert (board["interface"], board["calls"], board["faults"]) == ("get_scoreboard", 1, 0)
    assert (indicators["calls"], indicators["faults"]) == (4, 1)
    assert indicators["fault_rate"] == "0.2500"
    assert indicators["bytes_in"] == 3 * len('{"plan":"410183-2025"}') + 22
    assert indicators["bytes_out"] > 1000
    assert indicators["p95_ms"] is None or indicators["p95_ms"] >= 5
    assert before["items"] == []
    assert faults(wide) == {("/query/first_day", "days-out-of-range")}


async def test_what_is_remembered_of_calls_ends(door: Door) -> None:
    partner = await a_partner(door)
    await called(door, partner, "list_indicators", plan=XINMI)
    await door.held.partners.note_use()
    pool = door.held.database.pool

    async def kept() -> tuple[int, int]:
        nonces = await pool.fetchval("SELECT count(*) FROM partner_nonce")
        return nonces, await pool.fetchval("SELECT count(*) FROM partner_use")

    now = Clock.true_now()
    before = await kept()
    for ahead, left in (
        (timedelta(minutes=5), before),
        (timedelta(days=2), (0, before[1])),
        (timedelta(days=500), (0, 0)),
    ):
        async with door.held.database.transaction() as session:
            await forget_old_calls(session, "410183", now=now + ahead)
        assert await kept() == left


async def test_without_a_key_to_seal_with_no_partner_is_made(module_database_url: str) -> None:
    async with open_door(
        module_database_url, environment={"WUFEI_SECRET_KEY": None, "WUFEI_FILES": None}
    ) as door:
        refused = await asked(door)
    assert (refused.status_code, refused.json()["code"]) == (503, "secret-key-not-set")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_catalogue_has_its_columns_in_this_order(door: Door, language: str) -> None:
    asking = {"plan": XINMI}
    async with await door.as_("leader") as leader:
        read = await leader.get("/catalog", params=asking)
        table = await leader.get(
            "/catalog.csv", params=asking, headers={"Accept-Language": language}
        )
        unknown = await leader.get("/catalog", params={"plan": "410183-1999"})
    assert unknown.status_code == 404
    head = table.text.lstrip("\ufeff").splitlines()[0].split(",")
    if language == "zh-CN":
        assert head == [
            "分类·类", "分类·项", "分类·目", "分类·细目", "名称", "代码", "提供方", "提供方代码",
            "摘要", "格式", "信息项·名称", "信息项·类型", "共享类型", "共享条件", "共享方式",
            "开放属性", "更新周期", "发布日期", "关联资源代码",
        ]  # fmt: skip
    found = {one["code"]: one for one in read.json()["items"]}
    assert len(found) == 48 + 3
    one = found[f"{XINMI}/U08"]
    assert (one["provider"], one["provider_code"], one["update_cycle"]) == (
        "市城管局",
        "UN15",
        "每年",
    )
    assert one["sharing_type"] == "有条件共享"
    held = one["information"]
    names, types = held["names"].split("；"), held["types"].split("；")
    assert len(names) == len(types)
    assert dict(zip(names, types, strict=True))["数值"] == "数值型N"
    assert "日期时间型T" in types

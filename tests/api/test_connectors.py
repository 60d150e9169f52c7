"""Connectors over the API: set by the system's administrator, looked after by the office."""

import json
from typing import Any, get_args

import httpx
import pytest

from services.core.gateways.profiles import PROFILES, PlainProfileName, SignedPart
from services.core.gateways.signing import MASK, Call, presented
from tests.support.api import XINMI, Door
from tests.support.connectors import WANTED, a_connector, approved

NOBODY = "019aafc0-0000-7000-8000-00000000ffff"


async def items(door: Door, connector_id: str, **query: Any) -> list[dict[str, Any]]:
    async with await door.as_("office") as office:
        found = await office.get(f"/connectors/{connector_id}/items", params=query)
    assert found.status_code == 200, found.text
    return list(found.json()["items"])


def told(answer: httpx.Response) -> dict[str, str]:
    """Return the faults of a refusal by their places."""
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: one["code"] for one in answer.json()["errors"]}


async def test_it_is_made_disabled_tried_enabled_and_closed(door: Door) -> None:
    connector_id = await a_connector(door)
    path = f"/connectors/{connector_id}"
    async with door.client(door.admin_secret) as admin:
        made = (await admin.get(path)).json()
        assert (made["state"], made["state_reason"], made["provisioned"]) == (
            "disabled",
            "new",
            True,
        )
        early = await admin.post(f"{path}/enable")
        assert (early.status_code, early.json()["code"]) == (409, "connector-untested")
        tried = (await admin.post(f"{path}/test")).json()
        assert (await admin.post(f"{path}/enable")).json()["state"] == "active"
        again = await admin.post(f"{path}/enable")
        assert (again.status_code, again.json()["code"]) == (409, "transition-refused")
        closed = (await admin.post(f"{path}/disable")).json()
        assert (closed["state"], closed["state_reason"]) == ("disabled", "manual")
        renewed = await admin.post(f"{path}/rotate-secret", json={"secret": "another-secret"})
        assert renewed.json()["tested_at"] is None
    (item,) = json.loads(tried["body"])["items"]
    assert (item["indicator"], item["organization"], item["value"]) == (
        "ZB-08",
        "4101830015",
        "12.5",
    )
    assert tried["headers"]["x-wufei-partner"] == WANTED["app_id"]
    assert tried["headers"]["x-wufei-signature"] == MASK
    assert "another-secret" not in renewed.text


@pytest.mark.parametrize("name", get_args(PlainProfileName))
async def test_no_signature_is_shown_to_whoever_tries(door: Door, name: str) -> None:
    """Where a profile leaves the body unsigned, its signature would carry other figures."""
    profile = PROFILES[name]
    interface = "report" if SignedPart.INTERFACE in profile.places else None
    connector_id = await a_connector(door, profile=name, interface=interface)
    async with door.client(door.admin_secret) as admin:
        tried = (await admin.post(f"/connectors/{connector_id}/test")).json()
    call = Call("POST", "", tried["headers"], body=tried["body"].encode())
    told = presented(profile, call)
    assert (told.partner, told.signature) == (WANTED["app_id"], MASK)
    assert tried["missing"] == []


async def test_an_administrator_of_a_unit_makes_no_connector_for_the_whole_plan(
    door: Door,
) -> None:
    """One would report what the unit may not see, and its maker would not see it again."""
    connector_id = await a_connector(door)
    async with door.client(await door.new_key("system_admin", "UN15")) as unit:
        for body in (WANTED, WANTED | {"plan": "410183-1999"}):
            refused = await unit.post("/connectors", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await unit.get("/connectors")).json()["items"] == []
        hidden = await unit.delete(f"/connectors/{connector_id}")
        assert (hidden.status_code, hidden.json()["code"]) == (404, "connector-not-found")
    async with door.client(await door.new_key("system_admin", plan=XINMI)) as of_plan:
        made = await of_plan.post("/connectors", json=WANTED)
        assert made.status_code == 201, made.text
        shown = await of_plan.get(f"/connectors/{made.json()['id']}")
        assert shown.status_code == 200


async def test_without_credentials_it_stays_unprovisioned(door: Door) -> None:
    connector_id = await a_connector(door, app_id=None, secret=None)
    async with door.client(door.admin_secret) as admin:
        shown = (await admin.get(f"/connectors/{connector_id}")).json()
        assert shown["provisioned"] is False
        await admin.post(f"/connectors/{connector_id}/test")
        refused = await admin.post(f"/connectors/{connector_id}/enable")
    assert (refused.status_code, refused.json()["code"]) == (409, "connector-unprovisioned")


@pytest.mark.parametrize("name", ["url", "receipts_url"])
async def test_nothing_is_signed_for_another_host_with_the_secret_of_one(
    door: Door, name: str
) -> None:
    """A profile may leave the body unsigned: who is sent a request could send another as ours."""
    path, match = f"/connectors/{await a_connector(door)}", {"If-Match": "*"}
    elsewhere = {name: "https://evil.example.org/report"}
    async with door.client(door.admin_secret) as admin:
        await admin.post(f"{path}/rotate-secret", json={"secret": "the-second-one"})
        refused = await admin.patch(path, json=elsewhere, headers=match)
        assert told(refused) == {"/secret": "secret-given-anew"}
        same = {name: "https://report.example.org/another?path=1"}
        kept = await admin.patch(path, json=same, headers=match)
        assert kept.json()["former_secret_expires_at"] is not None
        anew = {**elsewhere, "secret": "of-that-host"}
        given = await admin.patch(path, json=anew, headers=match)
        assert given.status_code == 200, given.text
        shown = given.json()
    assert (shown["former_secret_expires_at"], shown["tested_at"]) == (None, None)
    assert "of-that-host" not in given.text
    told_there = await door.held.database.pool.fetchval(
        "SELECT data FROM audit_entry WHERE subject_id = $1 AND action = 'connector.changed'"
        " ORDER BY id DESC LIMIT 1",
        path.rpartition("/")[2],
    )
    assert json.loads(told_there)["secret_given_anew"] is True
    waiting = f"/connectors/{await a_connector(door, app_id=None, secret=None)}"
    async with door.client(door.admin_secret) as admin:
        moved = await admin.patch(waiting, json=elsewhere, headers=match)
    assert moved.status_code == 200, "where no secret is kept, none is given anew"


async def test_every_fault_is_told_at_once(door: Door) -> None:
    body = WANTED | {
        "url": "http://10.0.0.1/report",
        "receipts_url": "https://169.254.169.254/",
        "profile": "national",
        "indicator_codes": ["U08", "U99"],
        "mapping": {"indicators": {"U99": "x"}, "units": {"头": {"code": "h", "factor": "1"}}},
    }
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/connectors", json=body)
        unknown = await admin.post("/connectors", json=WANTED | {"plan": "410183-1999"})
        shape = await admin.post(
            "/connectors",
            json=WANTED
            | {
                "batch_size": 51,
                "secret": "short",
                "mapping": {"units": {"%": {"code": "p", "factor": "0"}}},
            },
        )
    assert told(answer).keys() == {
        "/url",
        "/receipts_url",
        "/interface",
        "/indicator_codes/1",
        "/mapping/indicators/U99",
        "/mapping/units/头",
    }
    assert told(unknown) == {"/plan": "plan-not-found"}
    assert told(shape).keys() == {"/batch_size", "/secret", "/mapping/units/%/factor"}


async def test_what_counts_is_queued_and_what_is_not_mapped_waits_for_the_mapping(
    door: Door,
) -> None:
    submission_id = await approved(door, "2025-01")
    connector_id = await a_connector(door, mapping={**WANTED["mapping"], "periods": {}})
    await door.react()
    (item,) = await items(door, connector_id, period="2025-01")
    assert (item["submission_id"], item["state"], item["missing"]) == (
        submission_id,
        "unmapped",
        ["periods:2025-01"],
    )
    async with door.client(door.admin_secret) as admin:
        path = f"/connectors/{connector_id}"
        etag = (await admin.get(path)).headers["ETag"]
        changed = {"mapping": WANTED["mapping"]}
        assert (await admin.patch(path, json=changed)).status_code == 428
        done = await admin.patch(path, json=changed, headers={"If-Match": etag})
        assert done.status_code == 200, done.text
        stale = await admin.patch(path, json=changed, headers={"If-Match": etag})
        assert stale.status_code == 412
    await door.react()
    assert await items(door, connector_id, state="unmapped") == []
    (item,) = await items(door, connector_id, period="2025-01", state="pending")
    assert (item["value"], item["sent"], item["attempts"]) == ("39", None, 0)


async def test_a_refused_item_is_sent_again_with_a_reason_and_others_are_not(door: Door) -> None:
    await approved(door, "2025-02")
    connector_id = await a_connector(door)
    await door.react()
    (item,) = await items(door, connector_id, period="2025-02")
    path = f"/connectors/{connector_id}/items/retry"
    async with await door.as_("office") as office:
        body = {"item_ids": [item["id"], NOBODY], "reason": "上级已解封"}
        first = (await office.post(path, json=body)).json()["results"]
        assert [one["code"] for one in first] == ["transition-refused", "connector-item-not-found"]
        await door.held.database.pool.execute(
            "UPDATE connector_item SET state = 'refused', their_code = 'E17' WHERE id = $1",
            item["id"],
        )
        (done, _) = (await office.post(path, json=body)).json()["results"]
        nameless = await office.post(path, json={"item_ids": [item["id"]]})
    assert (done["state"], done["code"]) == ("pending", None)
    assert done["item_id"] != item["id"]
    assert told(nameless) == {"/reason": "missing"}
    states = {one["id"]: one["state"] for one in await items(door, connector_id, period="2025-02")}
    assert states == {item["id"]: "superseded", done["item_id"]: "pending"}


async def test_a_period_is_compared_with_their_statement(door: Door) -> None:
    await approved(door, "2025-03", "39")
    connector_id = await a_connector(door)
    await door.react()
    path = f"/connectors/{connector_id}"
    asked = {"period": "2025-03"}
    async with await door.as_("office") as office:
        before = (await office.get(f"{path}/reconciliation", params=asked)).json()
        assert [one["standing"] for one in before["items"]] == ["waiting"]
        assert (before["rows"], before["held"], before["sent"]) == (1, 1, 0)
        line = {"indicator": "ZB-08", "organization": "4101830015", "value": "39.00"}
        good = {"period": "2025-03", "reference": "豫环函〔2026〕3号", "lines": [line]}
        wrong = [
            {**line, "indicator": "U08"},
            {**line, "organization": "x"},
            line,
            line,
        ]
        refused = await office.post(f"{path}/statements", json={**good, "lines": wrong})
        assert told(refused) == {
            "/lines/0/indicator": "unknown-code",
            "/lines/1/organization": "unknown-code",
            "/lines/3": "twice",
        }
        kept = await office.post(f"{path}/statements", json=good)
        assert (kept.status_code, kept.json()["lines"]) == (201, 1)
        same = (await office.get(kept.headers["Location"].removeprefix("/v1"))).json()
        other = {**good, "lines": [{**line, "value": "38.5"}]}
        await office.post(f"{path}/statements", json=other)
        differing = (await office.get(f"{path}/reconciliation", params=asked)).json()
        table = await office.get(f"{path}/reconciliation.csv", params=asked)
    assert [(one["standing"], one["theirs"]) for one in same["items"]] == [("waiting", "39")]
    (row,) = differing["items"]
    assert (row["standing"], row["ours"], row["theirs"]) == ("differing", "39", "38.5")
    assert sum(one["number"] for one in differing["counts"]) == differing["rows"]
    assert differing["statement"]["reference"] == "豫环函〔2026〕3号"
    assert "38.5" in table.text


async def test_what_was_reported_can_be_read_after_the_end(door: Door) -> None:
    await approved(door, "2025-04", "39")
    connector_id = await a_connector(door, enabled=True)
    await door.react()
    path, asked = f"/connectors/{connector_id}", {"period": "2025-04"}
    async with door.client(door.admin_secret) as admin:
        assert [(await admin.delete(path)).status_code for _ in range(2)] == [204, 204]
        shown = (await admin.get(path)).json()
        assert (shown["state"], shown["allowed_actions"]) == ("disabled", [])
        assert (shown["provisioned"], shown["ended_at"] is None) == (False, False)
        etag = (await admin.get(path)).headers["ETag"]
        secret = {"secret": "another-secret"}
        refused = [
            await admin.patch(path, json={"name": "x"}, headers={"If-Match": etag}),
            await admin.post(f"{path}/rotate-secret", json=secret),
            *[await admin.post(f"{path}/{verb}") for verb in ("test", "enable", "disable")],
        ]
        assert connector_id in (await admin.get("/connectors")).text
    await approved(door, "2025-05", "40")
    async with await door.as_("office") as office:
        (item,) = await items(door, connector_id, period="2025-04")
        again = {"item_ids": [item["id"]], "reason": "x"}
        refused.append(await office.post(f"{path}/items/retry", json=again))
        line = {"indicator": "ZB-08", "organization": "4101830015", "value": "39.00"}
        stated = {"period": "2025-04", "reference": "豫环函〔2026〕4号", "lines": [line]}
        assert (await office.post(f"{path}/statements", json=stated)).status_code == 201
        compared = (await office.get(f"{path}/reconciliation", params=asked)).json()
    told = [(one.status_code, one.json()["code"]) for one in refused]
    assert told == [(409, "transition-refused")] * 6
    assert item["state"] == "superseded"
    assert [(one["standing"], one["theirs"]) for one in compared["items"]] == [("not-queued", "39")]
    assert await items(door, connector_id, period="2025-05") == []


async def test_the_secret_before_is_said_to_be_good_until_the_overlap_ends(door: Door) -> None:
    connector_id = await a_connector(door)
    path = f"/connectors/{connector_id}/rotate-secret"
    async with door.client(door.admin_secret) as admin:
        for overlap, is_good in ((None, True), (60, True), (0, False)):
            more = {} if overlap is None else {"overlap_seconds": overlap}
            done = await admin.post(path, json={"secret": "another-secret", **more})
            assert (done.json()["former_secret_expires_at"] is not None) is is_good, done.text
        wrong = await admin.post(path, json={"secret": "another-secret", "overlap_seconds": 604801})
    assert told(wrong).keys() == {"/overlap_seconds"}


@pytest.mark.parametrize("end", ["items", "batches", "reconciliation"])
async def test_whoever_runs_the_system_sees_no_figure(door: Door, end: str) -> None:
    connector_id = await a_connector(door)
    async with door.client(door.admin_secret) as admin:
        refused = await admin.get(f"/connectors/{connector_id}/{end}")
        counted = await admin.get(f"/connectors/{connector_id}/statistics")
    assert refused.status_code == 403
    assert counted.status_code == 200


async def test_the_gauges_tell_how_connectors_are(door: Door) -> None:
    await a_connector(door)
    async with door.client(None) as client:
        shown = (await client.get("http://wufei.test/metrics")).text
    assert 'wufei_connectors{state="disabled"}' in shown
    assert 'wufei_connector_items{state="pending"}' in shown

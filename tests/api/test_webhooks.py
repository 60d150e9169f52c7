"""Webhook endpoints as their owners manage them: settings, secrets, states, scopes."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.core.webhooks.signing import read_key
from tests.support.api import XINMI, Door, open_door
from tests.support.endpoints import ED25519, PATH, TOKEN, URL, an_integrator, make_endpoint

pytestmark = pytest.mark.citus


async def test_an_endpoint_comes_back_without_its_secrets(door: Door) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(
            PATH,
            json={
                "url": URL,
                "event_types": ["submission.approved", "alert.raised"],
                "plan": XINMI,
                "organization_code": "UN15",
                "description": "数据局",
                "rate_per_minute": 60,
                "headers": {"Authorization": f"Bearer {TOKEN}", "X-City": "410183"},
            },
        )
        made = answer.json()
        read = await office.get(answer.headers["Location"].removeprefix("/v1"))
        unchanged = await office.get(
            f"{PATH}/{made['id']}", headers={"If-None-Match": answer.headers["ETag"]}
        )
    assert answer.status_code == 201
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert {**read.json(), "secret": made["secret"]} == made
    assert unchanged.status_code == 304
    assert made["url"] == "https://data.example.org/hooks/…?…"
    assert made["headers"] == {"Authorization": "…", "X-City": "…"}
    assert (made["format"], made["signature"]) == ("standard", "v1")
    assert (made["plan"], made["organization_code"]) == (XINMI, "UN15")
    assert (made["state"], made["state_reason"]) == ("active", None)
    assert made["owner"]["role"] == "office"
    assert "enable" not in made["allowed_actions"]
    assert read_key(made["secret"]) is not None


async def test_a_secret_is_shown_once_and_stands_nowhere_in_the_open(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with await door.as_("office") as office:
        once = {"Idempotency-Key": "webhooks-once"}
        body = {"url": URL, "headers": {"X-Token": TOKEN}}
        first = await office.post(PATH, json=body, headers=once)
        again = await office.post(PATH, json=body, headers=once)
        made = first.json()
        read = await office.get(f"{PATH}/{made['id']}")
        listed = await office.get(PATH)
        rotated = await office.post(f"{PATH}/{made['id']}/rotate-secret", headers=once | {"X": "1"})
    assert again.status_code == 201
    assert again.json() == {**made, "secret": None}
    assert again.headers["ETag"] == first.headers["ETag"]
    assert rotated.status_code == 422, "the key was used for another request"
    everything = [again.text, read.text, listed.text, caplog.text]
    tables = (
        *("webhook_endpoint", "webhook_secret", "audit_entry", "event", "stored_reply"),
        *("operation", "webhook_body"),
    )
    for table in tables:
        rows = await door.held.database.pool.fetch(f"SELECT t::text FROM {table} t")
        everything += [row["t"] for row in rows]
    secret = made["secret"].removeprefix("whsec_")
    raw = base64.b64decode(secret)
    for text in everything:
        assert secret not in text
        assert raw.hex() not in text
        assert TOKEN not in text
        assert TOKEN.encode().hex() not in text


async def test_a_change_needs_the_version_it_is_based_on(door: Door) -> None:
    async with await door.as_("office") as office:
        made = await make_endpoint(office)
        path = f"{PATH}/{made['id']}"
        etag = (await office.get(path)).headers["ETag"]
        without = await office.patch(path, json={"rate_per_minute": 5})
        changed = await office.patch(
            path,
            json={"rate_per_minute": 5, "event_types": ["plan.published"], "plan": XINMI},
            headers={"If-Match": etag},
        )
        stale = await office.patch(path, json={"description": "x"}, headers={"If-Match": etag})
        cleared = await office.patch(
            path,
            json={"rate_per_minute": None, "event_types": [], "plan": None},
            headers={"If-Match": changed.headers["ETag"]},
        )
        tried = await office.patch(
            path,
            json={"url": "https://other.example.org/"},
            params={"validate_only": "true"},
            headers={"If-Match": "*"},
        )
        read = await office.get(path)
    assert without.status_code == 428
    assert (changed.status_code, changed.json()["rate_per_minute"]) == (200, 5)
    assert changed.json()["event_types"] == ["plan.published"]
    assert (stale.status_code, stale.json()["current"]) == (412, changed.json())
    assert stale.headers["ETag"] == changed.headers["ETag"]
    assert cleared.json()["rate_per_minute"] is None
    assert (cleared.json()["event_types"], cleared.json()["plan"]) == ([], None)
    assert tried.json()["url"] == "https://other.example.org/"
    assert read.json() == cleared.json(), "a preview writes nothing"


async def test_what_is_shown_cannot_be_sent_back_by_mistake(door: Door) -> None:
    async with await door.as_("office") as office:
        made = await make_endpoint(office, headers={"X-Token": "t"})
        answer = await office.patch(
            f"{PATH}/{made['id']}",
            json={"url": made["url"], "headers": made["headers"]},
            headers={"If-Match": "*"},
        )
    assert answer.status_code == 422
    assert {one["code"] for one in answer.json()["errors"]} == {"url-invalid", "header-value"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/",
        "https://100.100.100.200/",
        "https://[fd00:ec2::254]/",
        "https://user@example.org/",
        "file:///etc/passwd",
        "https://example.org:22/",
        "http://example.org/",
        "https://10.20.0.1/",
    ],
)
async def test_no_endpoint_is_where_nothing_may_be_sent(door: Door, url: str) -> None:
    async with await door.as_("office") as office:
        made = await office.post(PATH, json={"url": url})
        whole = await office.post(PATH, json={"url": URL})
        moved = await office.patch(
            f"{PATH}/{whole.json()['id']}", json={"url": url}, headers={"If-Match": "*"}
        )
    for answer in (made, moved):
        assert answer.status_code == 422
        [fault] = answer.json()["errors"]
        assert (fault["pointer"], fault["value"]) == ("/url", None)
        assert fault["code"].startswith("url-")


async def test_every_fault_is_told_at_once(door: Door) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(
            PATH,
            json={
                "url": "http://127.0.0.1/",
                "event_types": ["submission.approved", "submission.aproved"],
                "plan": "410183-1999",
                "organization_code": "UN99",
                "rate_per_minute": 0,
                "headers": {"Host": "x", "Webhook-Id": "x", "X\r\n": "x", "X-A": "ö", "x-a": "1"},
                "secret": "whsec_abc",
                "colour": "red",
            },
        )
        secret = await office.post(PATH, json={"url": URL, "secret": f"whsec_{TOKEN}"})
    faults = {(one["pointer"], one["code"]) for one in answer.json()["errors"]}
    assert answer.status_code == 422
    assert faults == {
        ("/url", "url-address"),
        ("/event_types/1", "unknown-event-type"),
        ("/plan", "plan-not-found"),
        ("/organization_code", "organization-not-found"),
        ("/rate_per_minute", "greater-than-equal"),
        ("/headers/Host", "header-forbidden"),
        ("/headers/Webhook-Id", "header-forbidden"),
        ("/headers/X\r\n", "header-name"),
        ("/headers/X-A", "header-name"),
        ("/headers/X-A", "header-value"),
        ("/headers/x-a", "header-name"),
        ("/colour", "extra-forbidden"),
    }
    assert secret.json()["errors"][0]["code"] == "secret-invalid"
    assert TOKEN not in secret.text


async def test_a_robot_is_at_its_own_host_and_signs_with_its_own_secret(door: Door) -> None:
    ding = {"url": f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}"}
    wecom = {"url": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}"}
    async with await door.as_("office") as office:
        made = await make_endpoint(office, **ding, format="dingtalk", secret="SEC000")
        without = await make_endpoint(office, **wecom, format="wecom")
        elsewhere = await office.post(PATH, json={**ding, "format": "feishu"})
        spoken_for = await office.post(PATH, json={**wecom, "format": "wecom", "secret": "S"})
        asymmetric = await office.post(
            PATH, json={**ding, "format": "dingtalk", "signature": "v1a"}
        )
        headers = await office.post(
            PATH, json={**ding, "format": "dingtalk", "headers": {"X-A": "1"}}
        )
        new = await office.post(f"{PATH}/{made['id']}/rotate-secret", json={"secret": "SEC111"})
        guessed = await office.post(f"{PATH}/{made['id']}/rotate-secret")
        nothing = await office.post(f"{PATH}/{without['id']}/rotate-secret")
    assert (made["secret"], made["url"]) == (None, "https://oapi.dingtalk.com/robot/send?…")
    assert "rotate-secret" in made["allowed_actions"]
    assert "rotate-secret" not in without["allowed_actions"]
    assert elsewhere.json()["errors"][0]["code"] == "url-robot-host"
    assert spoken_for.json()["errors"][0]["code"] == "secret-not-taken"
    assert asymmetric.json()["errors"][0]["code"] == "signature-of-robot"
    assert headers.json()["errors"][0]["code"] == "headers-of-robot"
    assert (new.status_code, new.json()["secret"]) == (200, None)
    assert guessed.json()["errors"][0] == {
        "pointer": "/secret",
        "code": "missing",
        "detail": "The robot's new secret is required",
        "value": None,
    }
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing-to-rotate")


async def test_secrets_overlap_and_no_more_than_ten_old_ones_do(door: Door) -> None:
    async with await door.as_("office") as office:
        made = await make_endpoint(office)
        path = f"{PATH}/{made['id']}/rotate-secret"
        texts = [made["secret"]]
        for _ in range(10):
            rotated = await office.post(path, json={"overlap_seconds": 3600})
            assert rotated.status_code == 200, rotated.text
            texts.append(rotated.json()["secret"])
        shown = rotated.json()["secrets"]
        eleventh = await office.post(path, json={"overlap_seconds": 3600})
        too_long = await office.post(path, json={"overlap_seconds": 604_801})
        last = await office.post(path, json={"overlap_seconds": 0})
    assert len(set(texts)) == len(shown) == 11
    assert [one["expires_at"] is None for one in shown] == [True] + [False] * 10
    assert [one["id"] for one in shown] == sorted((one["id"] for one in shown), reverse=True)
    assert (eleventh.status_code, eleventh.json()["code"]) == (409, "too-many-old-secrets")
    assert too_long.status_code == 422
    assert len(last.json()["secrets"]) == 1, "without an overlap every older one ends now"


async def test_a_secret_may_be_brought_along(door: Door) -> None:
    given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    asymmetric = "whsk_" + ED25519
    async with await door.as_("office") as office:
        symmetric = await make_endpoint(office, secret=given)
        other = await make_endpoint(office, secret=asymmetric, signature="v1a")
        mixed = await office.post(PATH, json={"url": URL, "secret": given, "signature": "v1a"})
        fresh = await make_endpoint(office, signature="v1a")
    assert symmetric["secret"] == given
    assert other["secret"] == asymmetric
    assert other["secrets"][0]["public_key"] == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    assert fresh["secrets"][0]["public_key"].startswith("whpk_")
    assert symmetric["secrets"][0]["public_key"] is None
    assert mixed.json()["errors"][0]["code"] == "secret-invalid"


async def test_an_endpoint_is_disabled_enabled_tested_and_deleted(door: Door) -> None:
    async with await door.as_("office") as office:
        made = await make_endpoint(office)
        path = f"{PATH}/{made['id']}"
        tested = await office.post(f"{path}/test")
        enabled_early = await office.post(f"{path}/enable")
        disabled = await office.post(f"{path}/disable")
        twice = await office.post(f"{path}/disable")
        refused = [
            await office.post(f"{path}/test"),
            await office.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"}),
        ]
        enabled = await office.post(
            f"{path}/enable", headers={"If-Match": disabled.headers["ETag"]}
        )
        stale = await office.delete(path, headers={"If-Match": disabled.headers["ETag"]})
        deleted = await office.delete(path, headers={"If-Match": enabled.headers["ETag"]})
        gone = await office.get(path)
    assert tested.status_code == 202
    assert tested.headers["Location"].endswith(f"?event_id={tested.json()['event_id']}")
    assert (enabled_early.status_code, enabled_early.json()["state"]) == (409, "active")
    assert (disabled.json()["state"], disabled.json()["state_reason"]) == ("disabled", "manual")
    assert twice.json()["allowed_actions"] == disabled.json()["allowed_actions"]
    assert {one.status_code for one in refused} == {409}
    assert (enabled.json()["state"], enabled.json()["state_reason"]) == ("active", None)
    assert stale.status_code == 412
    assert (deleted.status_code, gone.status_code) == (204, 404)
    rows = await door.held.database.pool.fetch(
        "SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY id", made["id"]
    )
    assert [row["action"].removeprefix("webhook_endpoint.") for row in rows] == [
        *("created", "disabled", "enabled", "deleted")
    ]
    kept = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE endpoint_id::text = $1", made["id"]
    )
    assert kept == 0


async def test_lists_go_on_page_by_page(door: Door) -> None:
    async with await an_integrator(door, "410183107") as client:
        made = [(await make_endpoint(client))["id"] for _ in range(3)]
        await client.post(f"{PATH}/{made[1]}/disable")
        first = (await client.get(PATH, params={"page_size": 2})).json()
        token = first["next_page_token"]
        second = (await client.get(PATH, params={"page_size": 2, "page_token": token})).json()
        active = (await client.get(PATH, params={"state": "active"})).json()
        misused = await client.get(PATH, params={"state": "active", "page_token": token})
    assert [one["id"] for one in first["items"] + second["items"]] == made
    assert second["next_page_token"] is None
    assert [one["id"] for one in active["items"]] == [made[0], made[2]]
    assert misused.status_code == 400


@asynccontextmanager
async def _office_of(
    database_url: str, **environment: str | None
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        open_door(database_url, environment=environment) as door,
        await door.as_("office") as office,
    ):
        yield office


async def test_without_a_key_to_seal_with_nothing_is_kept_plain(database_url: str) -> None:
    async with _office_of(database_url, WUFEI_SECRET_KEY=None) as office:
        refused = await office.post(PATH, json={"url": URL})
        listed = await office.get(PATH)
    assert (refused.status_code, refused.json()["code"]) == (503, "secret-key-not-set")
    assert listed.status_code == 200


async def test_a_deployment_opens_its_intranet_and_a_demonstration_this_machine(
    database_url: str,
) -> None:
    opened = {
        "WUFEI_WEBHOOK_ALLOW_CIDRS": "10.20.0.0/16",
        "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
        "WUFEI_PORT": "8123",
    }
    async with _office_of(database_url, **opened) as office:
        statuses = {
            url: (await office.post(PATH, json={"url": url})).status_code
            for url in (
                "http://10.20.3.4/hook",
                "http://10.21.3.4/hook",
                "http://127.0.0.1:9000/hook",
                "http://127.0.0.1:8123/v1/me",
                "http://receiver.intranet/hook",
            )
        }
    assert statuses == {
        "http://10.20.3.4/hook": 201,
        "http://10.21.3.4/hook": 422,
        "http://127.0.0.1:9000/hook": 201,
        "http://127.0.0.1:8123/v1/me": 422,
        "http://receiver.intranet/hook": 201,
    }


async def test_what_is_sealed_opens_with_the_key_alone(door: Door) -> None:
    async with await door.as_("office") as office:
        made = await make_endpoint(office, headers={"X-Token": TOKEN})
    row = await door.held.database.pool.fetchrow(
        "SELECT e.*, s.id AS secret_id, secret_sealed FROM webhook_endpoint e JOIN webhook_secret s"
        " ON s.city_code = e.city_code AND s.endpoint_id = e.id WHERE e.id::text = $1",
        made["id"],
    )
    seal = door.held.seal
    assert seal is not None
    assert seal.unseal(row["url_sealed"], f"webhook_endpoint.url {made['id']}").decode() == URL
    headers = seal.unseal(row["headers_sealed"], f"webhook_endpoint.headers {made['id']}")
    assert json.loads(headers) == {"X-Token": TOKEN}
    key = read_key(made["secret"])
    assert key is not None
    assert seal.unseal(row["secret_sealed"], f"webhook_secret {row['secret_id']}") == key.secret

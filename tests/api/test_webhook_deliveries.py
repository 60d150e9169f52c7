"""What is delivered, as its owner sees it: tests, the log of attempts, retry, replay."""

import json
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission

pytestmark = pytest.mark.citus

PATH = "/webhook-endpoints"
URL = "https://data.example.org/hook"
_months = iter(range(1, 13))


async def _made(client: httpx.AsyncClient, **settings: Any) -> str:
    answer = await client.post(PATH, json={"url": URL, **settings})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _reported(door: Door) -> str:
    async with await door.as_("reporter", "UN15") as unit:
        body = a_submission(period=f"2021-{next(_months):02}")
        answer = await unit.post(f"/plans/{XINMI}/submissions", json=body)
    assert answer.status_code == 201, answer.text
    await door.react()
    return str(answer.json()["id"])


async def _execute(door: Door, statement: str, *values: object) -> None:
    await door.held.database.pool.execute(statement, *values)


async def _deliveries(
    client: httpx.AsyncClient, endpoint_id: str, **filters: Any
) -> list[dict[str, Any]]:
    answer = await client.get(f"{PATH}/{endpoint_id}/deliveries", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_test_shows_as_a_delivery_with_what_is_sent(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["plan.published"])
        tested = await office.post(f"{PATH}/{endpoint_id}/test")
        await door.react()
        listed = (await office.get(tested.headers["Location"].removeprefix("/v1"))).json()
        [delivery] = listed["items"]
        answer = await office.get(f"/webhook-deliveries/{delivery['id']}")
        again = await office.get(
            f"/webhook-deliveries/{delivery['id']}",
            headers={"If-None-Match": answer.headers["ETag"]},
        )
    shown = answer.json()
    body = json.loads(shown.pop("body"))
    assert shown == delivery
    assert again.status_code == 304
    assert (delivery["state"], delivery["attempts"]) == ("pending", [])
    assert delivery["event_id"] == tested.json()["event_id"] == body["data"]["id"]
    assert delivery["position"] == body["data"]["position"]
    assert (delivery["event_type"], body["type"]) == ("webhook.test", "webhook.test")
    assert body["data"]["subject"] == {"kind": "webhook_endpoint", "id": endpoint_id}
    assert body["data"]["url"] == URL


async def test_a_receiver_is_told_what_the_feed_says(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["submission.submitted"])
        submission_id = await _reported(door)
        [delivery] = await _deliveries(office, endpoint_id)
        shown = (await office.get(f"/webhook-deliveries/{delivery['id']}")).json()
        feed = await office.get("/events", params={"after": delivery["position"] - 1, "limit": 1})
    [event] = feed.json()["items"]
    told = json.loads(shown["body"])
    assert told["type"] == event["type"]
    assert told["timestamp"] == event["timestamp"]
    envelope = {name: event[name] for name in ("id", "position", "plan", "subject", "actor")}
    assert told["data"] == {**envelope, **event["data"]}
    assert told["data"]["subject"]["id"] == submission_id


async def test_every_attempt_is_shown_and_a_lost_one_is_unknown(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["submission.submitted"])
        await _reported(door)
        [delivery] = await _deliveries(office, endpoint_id)
        for number, outcome, lease in ((1, None, "-1 s"), (2, "status", "1 h"), (3, None, "1 h")):
            await _execute(
                door,
                "INSERT INTO webhook_attempt (city_code, delivery_id, number, started_at,"
                " lease_until, outcome, status_code, duration_ms, response_head)"
                " VALUES ('410183', $1::text::uuid, $2, now(), now() + $3::text::interval, $4,"
                " 500, 12, repeat('长', 2000))",
                delivery["id"],
                number,
                lease,
                outcome,
            )
        [listed] = await _deliveries(office, endpoint_id)
        whole = (await office.get(f"/webhook-deliveries/{delivery['id']}")).json()
    outcomes = [(one["number"], one["outcome"]) for one in listed["attempts"]]
    assert outcomes == [(1, "unknown"), (2, "status"), (3, None)]
    assert {len(one["response_head"]) for one in listed["attempts"]} == {500}
    assert {len(one["response_head"]) for one in whole["attempts"]} == {2000}


async def test_a_list_of_deliveries_is_filtered_and_goes_on(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["submission.submitted", "webhook.test"])
        await _reported(door)
        await _reported(door)
        await office.post(f"{PATH}/{endpoint_id}/test")
        await door.react()
        everything = await _deliveries(office, endpoint_id)
        await _execute(
            door,
            "UPDATE webhook_delivery SET state = 'failed' WHERE id::text = $1",
            everything[1]["id"],
        )
        failed = await _deliveries(office, endpoint_id, state="failed")
        of_type = await _deliveries(office, endpoint_id, event_type="submission.submitted")
        of_event = await _deliveries(office, endpoint_id, event_id=everything[2]["event_id"])
        pages, token = [], None
        while True:
            asked = {"page_size": "1", **({"page_token": token} if token else {})}
            answer = await office.get(f"{PATH}/{endpoint_id}/deliveries", params=asked)
            pages += answer.json()["items"]
            token = answer.json()["next_page_token"]
            if token is None:
                break
        other = await _made(office)
        misused = await office.get(
            f"{PATH}/{other}/deliveries", params={"page_size": 1, "page_token": "WyJhIiwiYiJd"}
        )
    positions = [one["position"] for one in everything]
    assert positions == sorted(positions, reverse=True)
    assert [one["id"] for one in pages] == [one["id"] for one in everything]
    assert [one["id"] for one in failed] == [everything[1]["id"]]
    assert [one["id"] for one in of_type] == [one["id"] for one in everything[1:]]
    assert [one["id"] for one in of_event] == [everything[2]["id"]]
    assert misused.status_code == 400


async def test_a_delivery_is_sent_once_more_whatever_became_of_it(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["submission.submitted"])
        await _reported(door)
        [delivery] = await _deliveries(office, endpoint_id)
        path = f"/webhook-deliveries/{delivery['id']}"
        for state in ("failed", "delivered", "cancelled"):
            await _execute(
                door,
                "UPDATE webhook_delivery SET state = $2, settled_at = now() WHERE id::text = $1",
                delivery["id"],
                state,
            )
            before = await office.get(path)
            stale = await office.post(f"{path}/retry", headers={"If-Match": '"x"'})
            tried = await office.post(f"{path}/retry", params={"validate_only": "true"})
            retried = await office.post(
                f"{path}/retry", headers={"If-Match": before.headers["ETag"]}
            )
            assert before.json()["next_attempt_at"] is None
            assert (stale.status_code, stale.json()["current"]) == (412, before.json())
            assert tried.status_code == retried.status_code == 200, retried.text
            assert (retried.json()["state"], retried.json()["manual"]) == ("pending", True)
            assert retried.json()["event_id"] == delivery["event_id"]
            assert retried.json()["settled_at"] is None
        await office.post(f"{PATH}/{endpoint_id}/disable")
        refused = await office.post(f"{path}/retry")
        hidden = await office.post("/webhook-deliveries/019aafc0-0000-7000-8000-000000000000/retry")
    assert (refused.status_code, refused.json()["state"]) == (409, "disabled")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "webhook-delivery-not-found")


async def test_a_replay_tells_how_far_it_is_and_what_came_of_it(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        endpoint_id = await _made(office, event_types=["submission.submitted"])
        await _reported(door)
        await _reported(door)
        await _execute(
            door,
            "UPDATE webhook_delivery SET state = 'failed' WHERE endpoint_id::text = $1",
            endpoint_id,
        )
        too_old = await office.post(
            f"{PATH}/{endpoint_id}/replay", json={"since": "2020-01-01T00:00:00Z"}
        )
        [first, *_] = await _deliveries(office, endpoint_id)
        begun = await office.post(
            f"{PATH}/{endpoint_id}/replay", json={"since": first["created_at"]}
        )
        path = begun.headers["Location"].removeprefix("/v1")
        waiting = await office.get(path)
        hidden = await leader.get(path)
        await door.react()
        done = await office.get(path)
        late = await office.post(f"{path}/cancel")
    assert too_old.json()["errors"][0]["code"] == "since-out-of-range"
    assert (begun.status_code, begun.json()["state"]) == (202, "waiting")
    assert waiting.json() == begun.json()
    assert waiting.headers["ETag"] == begun.headers["ETag"]
    assert (hidden.status_code, hidden.json()["code"]) == (404, "operation-not-found")
    assert done.json()["state"] == "succeeded"
    assert done.json()["result"] == {"resent": 0}
    assert late.status_code == 409


async def test_a_replay_that_has_not_begun_can_be_cancelled(door: Door) -> None:
    async with await door.as_("office") as office:
        endpoint_id = await _made(office, event_types=["submission.submitted"])
        await _reported(door)
        await _execute(
            door,
            "UPDATE webhook_delivery SET state = 'failed' WHERE endpoint_id::text = $1",
            endpoint_id,
        )
        feed = (await office.get("/events", params={"limit": 1000})).json()
        since = min(event["timestamp"] for event in feed["items"])
        begun = await office.post(f"{PATH}/{endpoint_id}/replay", json={"since": since})
        path = begun.headers["Location"].removeprefix("/v1")
        stale = await office.post(f"{path}/cancel", headers={"If-Match": '"x"'})
        cancelled = await office.post(f"{path}/cancel", headers={"If-Match": begun.headers["ETag"]})
        await door.react()
        unsent = await _deliveries(office, endpoint_id, state="failed")
        again = await office.post(f"{PATH}/{endpoint_id}/replay", json={"since": since})
        await door.react()
        done = await office.get(again.headers["Location"].removeprefix("/v1"))
        sent = await _deliveries(office, endpoint_id, state="pending")
    assert stale.status_code == 412
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["allowed_actions"] == []
    assert [one["id"] for one in unsent] == [one["id"] for one in sent]
    assert done.json()["result"] == {"resent": 1}

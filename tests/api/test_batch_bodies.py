"""How a batch may be sent: as JSON or as lines, as a preview, once more with its key."""

import gzip
import json
from typing import Any

import httpx

from tests.support.api import Door, a_submission
from tests.support.batches import BATCH, codes, counts, rows, sent


async def test_a_preview_says_what_the_live_call_says_and_writes_nothing(door: Door) -> None:
    there, new = rows(1), rows(1)
    await sent(door, there, draft=True)
    items = [{**there[0], "value": "41"}, new[0], a_submission(organization_code="UN99")]
    preview = await sent(door, items, params={"validate_only": "true"})
    live = await sent(door, items)

    def without_ids(answer: httpx.Response) -> Any:
        said = answer.json()
        drop = {"id", "etag"}
        kept = [{k: v for k, v in row.items() if k not in drop} for row in said["items"]]
        said.pop("preview", None)
        return {**said, "items": kept}

    assert preview.status_code == live.status_code
    assert without_ids(preview) == without_ids(live)
    assert counts(live) == {"updated": 1, "created": 1, "rejected": 1}


async def test_a_repeat_with_its_key_is_answered_as_the_first_was(door: Door) -> None:
    items = rows(2)
    key = {"Idempotency-Key": "batch-1"}
    async with await door.as_("reporter", "UN15") as unit:
        first = await unit.post(BATCH, json={"items": items}, headers=key)
        again = await unit.post(BATCH, json={"items": items}, headers=key)
        packed = gzip.compress(first.request.content)
        zipped = await unit.post(
            BATCH,
            content=packed,
            headers={**key, "Content-Encoding": "gzip", "Content-Type": "application/json"},
        )
        other = await unit.post(BATCH, json={"items": items[:1]}, headers=key)
    assert again.content == first.content == zipped.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_lines_of_json_are_rows_and_what_cannot_be_read_is_one_row_s_fault(
    door: Door,
) -> None:
    good = rows(2)
    lines = [json.dumps(good[0]), "", '{"indicator_code": ', "[]", json.dumps(good[1]), ""]
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post(
            BATCH,
            params={"strategy": "create_only", "draft": "true"},
            content="\r\n".join(lines).encode(),
            headers={"Content-Type": "application/x-ndjson; charset=utf-8"},
        )
    assert answer.status_code == 200, answer.text
    assert counts(answer) == {"created": 2, "rejected": 2}
    assert codes(answer) == [[], ["malformed-line"], ["malformed-line"], []]
    assert answer.json()["items"][0]["state"] == "draft"


async def test_a_json_batch_says_everything_in_its_body(door: Door) -> None:
    answer = await sent(door, rows(1), params={"strategy": "delete", "period": "2025"})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        "/query/strategy",
        "/query/scope",
    ]

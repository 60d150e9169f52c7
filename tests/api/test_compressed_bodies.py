"""Bodies that come compressed: any path takes them, whole and within its bound."""

import gzip
import json

import pytest

from tests.support.api import Door, a_submission
from tests.support.reported import PATH, a_period

BATCH = f"{PATH}/batch"


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("gzip", b"{}", 400, "malformed-body"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400, "malformed-body"),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400, "malformed-body"),
        ("gzip", gzip.compress(b" " * (9 << 20), mtime=0), 413, "body-too-large"),
        ("gzip", b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 100, 400, "malformed-body"),
        ("br", b"{}", 415, "unsupported-encoding"),
        ("gzip, gzip", b"{}", 415, "unsupported-encoding"),
    ],
    ids=["no-gzip", "cut-short", "more-behind", "too-long", "endless-name", "br", "twice"],
)
async def test_a_compressed_body_is_whole_and_bounded(
    door: Door, encoding: str, body: bytes, status: int, code: str
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        for path in (BATCH, PATH):
            answer = await unit.post(
                path,
                content=body,
                headers={"Content-Encoding": encoding, "Content-Type": "application/json"},
            )
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_any_body_may_come_compressed(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post(
            PATH,
            content=gzip.compress(json.dumps(a_submission(period=a_period())).encode()),
            headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        )
    assert answer.status_code == 201, answer.text

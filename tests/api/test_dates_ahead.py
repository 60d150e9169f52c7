"""A date too far ahead is refused and told the last that may be written, whoever sets it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.core.kit.horizons import A_YEAR, TEN_YEARS
from tests.support.api import XINMI, Door
from tests.support.milestones import BODIES, SHARING, a_milestone, a_milestone_in

PLAN = f"/plans/{XINMI}"
FAR = "2099-12-31"
_LETTER = {"document_number": "郑环文〔2025〕18号", "document_date": FAR}
_TARGET = {"kind": "at_least", "value": "40", **_LETTER}


def _told(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    (fault,) = [one for one in answer.json()["errors"] if one["code"] == "date-out-of-range"]
    return fault["pointer"], fault["detail"]


async def test_no_due_date_of_values_is_set_for_decades_ahead(door: Door) -> None:
    path = f"{PLAN}/periods/2025"
    async with await door.as_("office") as office:
        tried = await office.post(f"{path}/open?validate_only=true", json={"due_date": FAR})
        opened = await office.post(f"{path}/open", json={"due_date": FAR})
        today = door.held.clock.today("Asia/Shanghai")
        right = await office.post(f"{path}/open", json={"due_date": f"{today + A_YEAR}"})
        closed = await office.post(f"{path}/close")
        reopened = await office.post(f"{path}/reopen", json={"due_date": FAR})
    assert _told(tried) == _told(opened)
    assert _told(opened)[0] == "/due_date"
    assert (right.status_code, closed.status_code) == (200, 200)
    assert _told(reopened)[0] == "/due_date"


async def test_no_milestone_is_promised_for_decades_ahead(door: Door) -> None:
    working = (await a_milestone_in(door, "accepted", organization_code=SHARING)).json()
    path = f"/milestones/{working['id']}"
    progress = {**BODIES["progress"], "expected_date": FAR}
    async with await door.as_("office") as office, await door.as_("reporter", SHARING) as clerk:
        made = await office.post(f"{PLAN}/milestones", json=a_milestone(due_date=FAR))
        moved = await office.patch(
            path, json={"due_date": FAR, "reason": "调整"}, headers={"If-Match": "*"}
        )
        expected = await clerk.post(f"{path}/progress", json=progress)
        asked = await clerk.post(f"{path}/extensions", json={"proposed_date": FAR, "reason": "雨"})
        today = door.held.clock.today("Asia/Shanghai")
        far = a_milestone(due_date=f"{today + TEN_YEARS}")
        right = await office.post(f"{PLAN}/milestones", json=far)
        done = (await a_milestone_in(door, "closed", organization_code=SHARING)).json()
        again = await office.post(
            f"/milestones/{done['id']}/reopen", json={"reason": "抽查", "due_date": FAR}
        )
    assert [_told(one)[0] for one in (made, moved, expected, asked, again)] == [
        "/due_date",
        "/due_date",
        "/expected_date",
        "/proposed_date",
        "/due_date",
    ]
    assert right.status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"PUT {PLAN}/indicators/R01/targets/2025", _TARGET),
        (f"POST {PLAN}/open-questions/T01/settle", {"decision": "照此", **_LETTER}),
    ],
)
async def test_no_document_is_dated_decades_ahead(
    door: Door, path: str, body: Mapping[str, Any]
) -> None:
    method, url = path.split(" ")
    async with await door.as_("office") as office:
        answer = await office.request(method, url, json=dict(body), headers={"If-Match": "*"})
    assert _told(answer)[0] == "/document_date"


async def test_no_key_ends_decades_ahead(door: Door) -> None:
    now = door.held.clock.true_now()
    body = {"name": "系统", "role": "office"}
    async with await door.as_("system_admin") as admin:
        far = await admin.post("/api-keys", json={**body, "expires_at": f"{FAR}T00:00:00Z"})
        ends = (now + TEN_YEARS - timedelta(days=1)).isoformat()
        right = await admin.post("/api-keys", json={**body, "expires_at": ends})
    pointer, detail = _told(far)
    assert (pointer, detail) == ("/expires_at", f"No later than {now.date() + TEN_YEARS}")
    assert right.status_code == 201

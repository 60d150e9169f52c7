"""What names a request goes with what it writes: into the log of events, and a line of the log."""

import logging
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.api import XINMI, Door, a_submission

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


async def _written(door: Door, request_id: str) -> list[tuple[Any, ...]]:
    async with door.held.database.sessions() as session:
        found = await session.execute(
            text(
                "SELECT id, type, traceparent FROM event WHERE city_code = '410183'"
                " AND actor->>'request_id' = :request ORDER BY id"
            ),
            {"request": request_id},
        )
    return [tuple(row) for row in found]


def _answered(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [one for one in caplog.records if one.message == "request answered"]


async def test_a_write_keeps_its_request_and_its_trace_and_its_line_names_its_events(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wufei.api")
    headers = {"X-Request-Id": "call-1", "traceparent": TRACEPARENT}
    async with await door.as_("office") as office:
        caplog.clear()
        made = await office.post(
            f"/plans/{XINMI}/submissions", json=a_submission(period="2024-01"), headers=headers
        )
    assert (made.status_code, made.headers["x-request-id"]) == (201, "call-1")
    ((event_id, type_, traceparent),) = await _written(door, "call-1")
    assert (type_, traceparent) == ("submission.submitted", TRACEPARENT)
    (line,) = _answered(caplog)
    assert (line.method, line.route, line.status) == ("POST", "/v1/plans/{plan}/submissions", 201)
    assert line.events == [event_id]


async def test_what_goes_through_a_session_keeps_them_too(door: Door) -> None:
    headers = {"X-Request-Id": "call-2", "traceparent": TRACEPARENT}
    async with await door.as_("office") as office:
        made = await office.post(f"/plans/{XINMI}/submissions", json=a_submission(period="2024-03"))
        place = f"{made.headers['location']}/withdraw"
        moved = await office.post(
            f"http://wufei.test{place}", json={"reason": "错报"}, headers=headers
        )
    assert moved.status_code == 200, moved.text
    assert [row[1:] for row in await _written(door, "call-2")] == [
        ("submission.withdrawn", TRACEPARENT)
    ]


@pytest.mark.parametrize("given", ["", "00-1-2-01", f"ff-{TRACE}-{SPAN}-01", TRACEPARENT + "-x"])
async def test_what_is_no_trace_is_kept_by_nobody(door: Door, given: str) -> None:
    request_id = f"call-3{given}"
    async with await door.as_("office") as office:
        await office.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(period="2024-04"),
            headers={"X-Request-Id": request_id, "traceparent": given},
        )
        made = await _written(door, request_id)
    assert [row[2] for row in made] in ([None], [])


async def test_a_preview_and_a_refusal_name_no_event(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wufei.api")
    async with await door.as_("office") as office:
        caplog.clear()
        body = a_submission(period="2024-05", value="x")
        await office.post(
            f"/plans/{XINMI}/submissions?validate_only=true", json=a_submission(period="2024-05")
        )
        await office.post(f"/plans/{XINMI}/submissions", json=body)
    assert [(line.status, line.events) for line in _answered(caplog)] == [(201, []), (422, [])]


async def test_nothing_that_opens_anything_stands_in_a_line(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await door.new_key("office")
    async with door.client(secret) as office:
        await office.get(f"/plans/{XINMI}/scoreboard")
        await office.get(f"/plans/{XINMI}/calendar.ics?token=wct_410183_nothing")
    said = "\n".join(str(vars(one)) for one in caplog.records if one.name.startswith("wufei"))
    assert "request answered" in said
    assert secret not in said
    assert "wct_410183" not in said

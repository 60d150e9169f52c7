"""Files that are made as they are asked for: in a thread, so that all others are answered."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from services.api.file_answers import XLSX, ZIP
from tests.support.api import Door
from tests.support.ground import Ground, prepare, who_may
from tests.support.operations import OPERATIONS, good_request

WRITERS = {"openpyxl", "icalendar", "zipfile"}
"""What writes files, for as long as there is something to write."""

_STORED = ("/content", "/evidence-content", "/content/{format}")
"""Addresses of files that were made, or brought, before they are asked for."""


def _is_made(label: str) -> bool:
    types = set(OPERATIONS[label]["responses"].get("200", {}).get("content", {}))
    return bool(types & {XLSX, ZIP, "text/calendar"}) and "application/json" not in types


MADE = [label for label in OPERATIONS if _is_made(label) and not label.endswith(_STORED)]


@pytest.fixture(scope="module")
async def ground(door: Door) -> Ground:
    """A ledger with something in every list."""
    return await prepare(door, OPERATIONS)


@contextmanager
def _called_in_this_thread(found: set[str]) -> Iterator[None]:
    """Note the functions of writers that are called in the thread of the event loop."""

    def note(frame: FrameType, event: str, _argument: object) -> None:
        module = str(frame.f_globals.get("__name__"))
        if event == "call" and module.partition(".")[0] in WRITERS:
            found.add(f"{module}:{frame.f_code.co_qualname}")

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_the_files_that_are_made_as_they_are_asked_for_are_known() -> None:
    assert set(MADE) == {
        "GET /v1/imports/{import_id}/marked.xlsx",
        "GET /v1/plans/{plan}/calendar.ics",
        "GET /v1/plans/{plan}/registers/{register}/form.xlsx",
        "GET /v1/plans/{plan}/score-sheets/{sheet}/form.xlsx",
        "GET /v1/plans/{plan}/templates/{name}.xlsx",
        "GET /v1/plans/{plan}/templates/{name}.zip",
    }


@pytest.mark.parametrize("label", MADE)
async def test_no_file_is_written_in_the_event_loop(door: Door, ground: Ground, label: str) -> None:
    method, path, sent = good_request(label, ground)
    found: set[str] = set()
    async with door.client(ground.secrets[who_may(label)]) as client:
        with _called_in_this_thread(found):
            answer = await client.request(method, f"http://wufei.test{path}", **sent)
    assert answer.status_code == 200, answer.text
    assert answer.content
    assert found == set()

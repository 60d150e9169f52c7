"""What names a piece of work: a request, a trace, and the events that it wrote."""

import asyncio

import pytest

from services.core.kit.ids import new_id
from services.core.kit.trail import (
    Trail,
    forget_events,
    note_events,
    on_trail,
    present_traceparent,
    present_trail,
    read_traceparent,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (GOOD, GOOD),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"01-{TRACE}-{SPAN}-01-what-comes-later", GOOD),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (GOOD.upper(), None),
        (GOOD[:-1], None),
        (f" {GOOD}", None),
        ("", None),
    ],
)
def test_a_traceparent_is_read_as_w3c_says(given: str, read: str | None) -> None:
    assert read_traceparent(given) == read


def test_work_on_no_trail_notes_nothing() -> None:
    note_events([new_id()])
    forget_events()
    assert present_trail() is None
    assert present_traceparent() is None


async def test_a_trail_goes_with_the_tasks_that_are_started_on_it() -> None:
    trail, written = Trail("r-1", GOOD), new_id()

    async def write() -> str | None:
        note_events([written])
        return present_traceparent()

    with on_trail(trail):
        seen = await asyncio.create_task(write())
    assert (seen, trail.events) == (GOOD, [written])
    assert present_trail() is None, "it ends where it was begun"


def test_what_was_undone_is_forgotten() -> None:
    trail = Trail("r-1")
    with on_trail(trail):
        note_events([new_id()])
        forget_events()
    assert trail.events == []

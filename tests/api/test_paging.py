"""A list is read whole by going on where each page ended, whatever a page holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.api.paging import after_id, after_version, cut, history_page
from services.core.kit.ids import new_id

NAMED = {"list": "things"}


@dataclass
class Changed:
    """A change of a thing."""

    version: int
    action: str = "changed"
    after: dict[str, Any] = field(default_factory=dict)
    actor: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    occurred_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(0, 30), st.integers(1, 12))
def test_every_row_of_a_list_is_on_one_page_of_the_length_asked_for(rows: int, size: int) -> None:
    ids = sorted(new_id() for _ in range(rows))
    read: list[object] = []
    token: str | None = None
    while True:
        after = after_id(token, NAMED)
        found = [one for one in ids if after is None or one > after][: size + 1]
        page, token = cut(found, size, NAMED, lambda one: [one])
        read += page
        if token is None:
            break
        assert len(page) == size
    assert read == ids


@given(st.integers(1, 20), st.integers(1, 8), st.integers(1, 3))
async def test_a_history_says_of_each_change_what_was_before_it(
    rows: int, size: int, gap: int
) -> None:
    """Its numbers may have gaps: a caller does not see every change."""
    changes = [Changed(one * gap, after={"number": one}) for one in range(1, rows + 1)]

    async def history(*, after: int, limit: int) -> Sequence[Changed]:
        return [one for one in changes if one.version > after][:limit]

    read: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        listed = await history_page(history, token, NAMED, size)
        read += listed["items"]
        token = listed["next_page_token"]
        if token is None:
            break
        assert after_version(token, NAMED) == read[-1]["version"]
    assert [one["after"] for one in read] == [one.after for one in changes]
    assert [one["before"] for one in read] == [None, *(one.after for one in changes[:-1])]

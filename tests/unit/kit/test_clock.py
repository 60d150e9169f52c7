"""Whether something was so lately that what was learnt then still counts."""

from datetime import UTC, datetime, timedelta

import pytest

from services.core.kit.clock import is_recent

NOW = datetime(2026, 4, 1, tzinfo=UTC)
SPAN = timedelta(seconds=5)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("at", "recent"),
    [
        (None, False),
        (NOW, True),
        (NOW - SPAN + INSTANT, True),
        (NOW - SPAN, False),
        (NOW + INSTANT, False),
    ],
)
def test_it_counts_for_its_span_and_not_where_the_clock_was_set_back(
    at: datetime | None, *, recent: bool
) -> None:
    assert is_recent(at, NOW, SPAN) is recent

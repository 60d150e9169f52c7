"""Spans of time lie one beside the other, and name their parts apart."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.core.kit.ids import first_id_at
from services.core.kit.partitions import SPANS_AHEAD, CutParts, CutTable, TablePart, TimeSpan

INSTANTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 (hypothesis wants it so)
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 (the same)
    timezones=st.just(UTC),
)
SPANS = st.sampled_from(TimeSpan)
KEPT = timedelta(days=90)


@given(at=INSTANTS, span=SPANS)
def test_an_instant_lies_in_one_span_and_spans_follow_without_a_gap(
    at: datetime, span: TimeSpan
) -> None:
    start, end = span.start(at), span.after(at)
    assert start <= at < end
    assert span.start(end) == end
    assert span.start(end - timedelta(microseconds=1)) == start
    assert span.after(start, 2) == span.after(end)


@given(at=INSTANTS, later=INSTANTS, span=SPANS)
def test_a_label_names_one_span_and_sorts_with_time(
    at: datetime, later: datetime, span: TimeSpan
) -> None:
    one, other = span.start(at), span.start(later)
    labels = span.label(one), span.label(other)
    assert (one == other) == (labels[0] == labels[1])
    assert (one < other) == (labels[0] < labels[1])


@pytest.mark.parametrize(
    ("at", "label", "following"),
    [
        (datetime(2026, 11, 29, 23, tzinfo=UTC), "2026q4", datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027q1", datetime(2027, 4, 1, tzinfo=UTC)),
    ],
)
def test_a_quarter_is_named_as_people_do(at: datetime, label: str, following: datetime) -> None:
    assert TimeSpan.QUARTER.label(TimeSpan.QUARTER.start(at)) == label
    assert TimeSpan.QUARTER.after(at) == following
    assert TimeSpan.MONTH.label(TimeSpan.MONTH.start(at)) == f"{at.year}m{at.month:02}"


@pytest.fixture
def beside_china(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is set eight hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("beside_china")
def test_a_span_begins_at_midnight_of_utc_whatever_the_machine_is_set_to() -> None:
    at = datetime(2025, 12, 31, 20, tzinfo=UTC)
    assert TimeSpan.MONTH.start(at) == datetime(2025, 12, 1, tzinfo=UTC)
    assert TimeSpan.QUARTER.start(at) == datetime(2025, 10, 1, tzinfo=UTC)


def made(table: CutTable, until: datetime | None) -> CutParts:
    parts = [] if until is None else [TablePart("first", None, first_id_at(until))]
    return CutParts(table, parts, "rest")


@given(now=INSTANTS, until=st.none() | INSTANTS, span=SPANS)
def test_what_is_lacking_goes_on_where_the_parts_end_and_reaches_so_far_ahead(
    now: datetime, until: datetime | None, span: TimeSpan
) -> None:
    if until is not None:
        # As an id tells it, to the millisecond; a worker may have been away for years.
        until = until.replace(microsecond=0)
        until = max(until, now.replace(microsecond=0) - timedelta(days=3650))
    parts = made(CutTable("t", "id", span), until)
    lacking = parts.lacking(now)
    edges = [span.start(now) if until is None else until, *(end for _, end in lacking)]
    assert [start for start, _ in lacking] == edges[:-1]
    assert all(end == span.after(start) for start, end in lacking)
    assert edges[-1] >= span.after(now, SPANS_AHEAD + 1)
    assert not lacking or lacking[-1][0] < span.after(now, SPANS_AHEAD + 1)


@example(now=datetime(2026, 4, 1, tzinfo=UTC), ago=KEPT.days)
@given(now=INSTANTS, ago=st.integers(0, 400))
def test_a_part_is_outlived_when_its_newest_row_is(now: datetime, ago: int) -> None:
    now = now.replace(microsecond=0)
    upper = now - timedelta(days=ago)
    parts = made(CutTable("t", "id", TimeSpan.MONTH, KEPT), upper)
    assert bool(parts.outlived(now)) == (timedelta(days=ago) >= KEPT)
    assert made(CutTable("t", "id", TimeSpan.MONTH), upper).outlived(now) == []

"""When a delivery is tried again: the schedule, its jitter, and what `Retry-After` may change."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.webhooks.schedule import (
    DEFAULT_SCHEDULE,
    LONGEST,
    ROBOT_PAUSE,
    DeliveryFate,
    asked_pause,
    delivery_fate,
    pause_of,
    read_schedule,
)
from services.core.webhooks.sending import FREE, Outcome, OutcomeKind

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
MIDDLE = 0.5


def failing(status: int = 500, retry_after: str | None = None) -> Outcome:
    return Outcome("status", 5, status_code=status, retry_after=retry_after)


def next_(
    outcome: Outcome, *, tries: int = 1, chance: float = MIDDLE, manual: bool = False
) -> DeliveryFate:
    return delivery_fate(
        outcome, tries=tries, manual=manual, schedule=DEFAULT_SCHEDULE, chance=chance, now=NOW
    )


def test_the_schedule_is_that_of_the_design() -> None:
    hours = [0, 5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    assert [seconds / 3600 for seconds in DEFAULT_SCHEDULE] == hours
    assert timedelta(seconds=sum(DEFAULT_SCHEDULE)) == timedelta(hours=75, minutes=35, seconds=5)


def test_each_failure_is_followed_by_the_next_pause_and_the_last_by_none() -> None:
    for tries, seconds in enumerate(DEFAULT_SCHEDULE[1:], start=1):
        assert next_(failing(), tries=tries) == DeliveryFate("pending", seconds)
    assert next_(failing(), tries=len(DEFAULT_SCHEDULE)) == DeliveryFate("failed")


def test_success_ends_it_and_what_a_person_asked_for_is_tried_once() -> None:
    assert next_(Outcome("delivered", 5, status_code=200)) == DeliveryFate("delivered")
    assert next_(failing(), manual=True) == DeliveryFate("failed")


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 9))
def test_jitter_is_a_fifth_either_way(chance: float, tries: int) -> None:
    planned = DEFAULT_SCHEDULE[tries]
    delay = next_(failing(), tries=tries, chance=chance).delay
    assert 0.8 * planned <= delay <= 1.2 * planned
    assert next_(failing(), tries=tries, chance=0).delay == pytest.approx(0.8 * planned)


@pytest.mark.parametrize("kind", sorted(FREE - {"superseded"}))
def test_what_is_not_the_receivers_failure_spends_no_attempt(kind: OutcomeKind) -> None:
    for tries in (1, 10, 100):
        fate = next_(Outcome(kind, 5), tries=tries)
        assert fate.state == "pending"
        assert not fate.counted
    assert next_(Outcome("interrupted", 5)).delay == 0, "another worker takes it at once"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0", 0),
        ("86400", LONGEST),
        ("99999999", LONGEST),
        ("000000030", 30),
        ("Wed, 25 Nov 2026 08:00:01 GMT", 1),
        ("9" * 5000, LONGEST),
        ("Wed, 25 Nov 2026 08:02:00 GMT", 120),
        ("Wednesday, 25-Nov-26 08:02:00 GMT", 120),
        ("Wed, 25 Nov 2026 16:02:00 +0800", 120),
        ("Wed, 25 Nov 2026 08:02:00 -0000", 120),
        ("Wed, 31 Dec 2098 08:00:00 GMT", LONGEST),
        ("Wed, 25 Nov 2026 08:00:00 GMT", None),
        ("Wed, 25 Nov 2020 08:00:00 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("abc", None),
        ("", None),
        (None, None),
        ("３０", None),
        ("Wed, 99 Nov 2026 99:99:99 GMT", None),
        ("Wed, 25 Nov 99999999 08:00:00 GMT", None),
    ],
)
def test_a_retry_after_is_read_in_every_form_and_junk_is_passed_over(
    said: str | None, seconds: float | None
) -> None:
    assert asked_pause(said, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_can_do_harm(said: str) -> None:
    asked = asked_pause(said, NOW)
    assert asked is None or 0 <= asked <= LONGEST


@given(st.integers(0, 10**12), st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_a_wish_never_shortens_the_schedule_and_never_passes_a_day(
    wish: int, tries: int, chance: float
) -> None:
    plain = next_(failing(), tries=tries, chance=chance).delay
    asked = next_(failing(429, str(wish)), tries=tries, chance=chance).delay
    assert asked >= plain
    assert asked >= min(wish, LONGEST)
    assert asked <= max(plain, LONGEST)


@pytest.mark.parametrize(
    ("schedule", "pause"), [((7,), 7), ((0, 7), 7), ((0, 5, 7), 7), ((0, 5, 7, 9), 7)]
)
def test_what_spends_no_attempt_waits_the_third_pause_or_the_last(
    schedule: tuple[float, ...], pause: float
) -> None:
    fate = delivery_fate(
        Outcome("fault", 5), tries=1, manual=False, schedule=schedule, chance=MIDDLE, now=NOW
    )
    assert fate == DeliveryFate("pending", pause, counted=False)


def test_a_schedule_without_a_pause_has_none() -> None:
    fate = delivery_fate(failing(), tries=1, manual=False, schedule=(0, 0), chance=MIDDLE, now=NOW)
    assert fate == DeliveryFate("pending", 0)


def test_429_and_503_speak_for_the_whole_endpoint_and_nothing_else_does() -> None:
    for status in (429, 503):
        assert pause_of(failing(status, "30"), NOW) == 30
        date = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
        assert pause_of(failing(status, date), NOW) == 90
        assert pause_of(failing(status), NOW) is None
        assert pause_of(failing(status, "abc"), NOW) is None
    for status in (500, 502, 504, 404):
        assert pause_of(failing(status, "30"), NOW) is None
        assert next_(failing(status, "30")).delay == 30, "this delivery waits all the same"
    assert pause_of(Outcome("delivered", 5, status_code=200, retry_after="30"), NOW) is None


def test_a_robot_that_had_too_many_rests_ten_minutes() -> None:
    throttled = Outcome("throttled", 5, status_code=200)
    assert pause_of(throttled, NOW) == ROBOT_PAUSE == 600
    assert next_(throttled, tries=10) == DeliveryFate("pending", 600, counted=False)


def test_a_schedule_is_read_from_a_setting() -> None:
    assert read_schedule("0,5,300") == (0, 5, 300)
    assert read_schedule(" 0 , 0.5 ") == (0, 0.5)
    assert len(read_schedule(",".join("0" * 50))) == 50


@pytest.mark.parametrize("said", ["", "a", "0,,1", "-1", "nan", "inf", "86401", ",".join("0" * 51)])
def test_what_is_no_schedule_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"seconds separated by commas|pauses"):
        read_schedule(said)

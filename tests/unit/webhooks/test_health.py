"""What outcomes say of an endpoint: failing, warned of, closed, and well again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.webhooks.health import (
    DISABLED_AFTER,
    FAILING_AFTER,
    Health,
    OutcomeTally,
    after,
    told_of,
)
from services.core.webhooks.sending import FREE, Outcome, OutcomeKind

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
WELL = Health("active", None, None, 0, 0, None)
FAILURE = Outcome("timeout", 5)
SUCCESS = Outcome("delivered", 5, status_code=200)
GONE = Outcome("status", 5, status_code=410)


def tally(*outcomes: Outcome, pause: float | None = None) -> OutcomeTally:
    counted = OutcomeTally()
    for outcome in outcomes:
        counted = counted.with_(outcome, pause)
    return counted


def failing(since: timedelta, warned: int = 0) -> Health:
    return Health("failing", None, NOW - since, warned, 20, None)


def test_a_success_where_all_is_well_changes_nothing() -> None:
    assert tally(SUCCESS).only_good
    assert after(WELL, tally(SUCCESS), now=NOW) == WELL


def test_failures_in_a_row_make_it_failing_and_one_success_makes_it_well() -> None:
    health = WELL
    for number in range(1, FAILING_AFTER + 1):
        health = after(health, tally(FAILURE), now=NOW + timedelta(minutes=number))
        assert health.consecutive_failures == number
        assert health.failing_since == NOW + timedelta(minutes=1), "since the first"
        assert health.state == ("failing" if number == FAILING_AFTER else "active")
    assert after(health, tally(FAILURE, SUCCESS), now=NOW) == WELL


@pytest.mark.parametrize("kind", sorted(FREE))
def test_what_is_not_the_receivers_failure_is_not_held_against_it(kind: OutcomeKind) -> None:
    assert after(WELL, tally(Outcome(kind, 5)), now=NOW) == WELL
    sick = failing(DISABLED_AFTER * 2)
    assert after(sick, tally(Outcome(kind, 5)), now=NOW) == sick


@pytest.mark.parametrize(
    ("share", "warned"), [(0.49, 0), (0.5, 50), (0.69, 50), (0.7, 70), (0.9, 90), (0.99, 90)]
)
def test_warnings_come_at_half_and_more_of_the_way(share: float, warned: int) -> None:
    health = after(failing(share * DISABLED_AFTER), tally(FAILURE), now=NOW)
    assert health.warned == warned
    again = after(failing(share * DISABLED_AFTER, warned=90), tally(FAILURE), now=NOW)
    assert again.warned == 90, "none is taken back"


def test_days_of_nothing_but_failures_close_it() -> None:
    health = after(failing(DISABLED_AFTER), tally(FAILURE), now=NOW)
    assert (health.state, health.state_reason) == ("disabled", "failing")
    sooner = after(failing(timedelta(2)), tally(FAILURE), now=NOW, disabled_after=timedelta(1))
    assert sooner.state_reason == "failing"


def test_what_is_told_is_the_warning_and_all_of_the_time_where_that_closed_it() -> None:
    warned = after(failing(0.75 * DISABLED_AFTER), tally(FAILURE), now=NOW)
    assert told_of(warned)["percent"] == 70
    closed = after(failing(DISABLED_AFTER, warned=70), tally(FAILURE), now=NOW)
    assert told_of(closed)["percent"] == 100
    gone = after(failing(0.75 * DISABLED_AFTER, warned=50), tally(GONE), now=NOW)
    assert told_of(gone)["percent"] == 50


def test_gone_closes_it_at_once_and_whoever_closed_it_before_was_right() -> None:
    health = after(WELL, tally(SUCCESS, GONE), now=NOW)
    assert (health.state, health.state_reason) == ("disabled", "gone")
    manual = replace(WELL, state="disabled", state_reason="manual")
    for outcome in (SUCCESS, FAILURE, GONE):
        assert after(manual, tally(outcome), now=NOW) == manual


def test_a_pause_holds_for_the_endpoint_and_is_never_shortened() -> None:
    health = after(WELL, tally(Outcome("status", 5, status_code=429), pause=30), now=NOW)
    assert health.paused_until == NOW + timedelta(seconds=30)
    shorter = after(health, tally(Outcome("status", 5, status_code=429), pause=5), now=NOW)
    assert shorter.paused_until == health.paused_until
    throttled = after(WELL, tally(Outcome("throttled", 5), pause=600), now=NOW)
    assert throttled == replace(WELL, paused_until=NOW + timedelta(minutes=10))


@given(st.lists(st.sampled_from([FAILURE, SUCCESS, Outcome("fault", 5)]), max_size=8), st.randoms())
def test_the_order_within_a_batch_does_not_matter(outcomes: list[Outcome], chance: object) -> None:
    shuffled = list(outcomes)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(WELL, tally(*outcomes), now=NOW) == after(WELL, tally(*shuffled), now=NOW)


def test_a_batch_counts_what_was_taken_and_what_was_refused() -> None:
    counted = tally(SUCCESS, FAILURE, SUCCESS)
    assert (counted.successes, counted.failures, counted.gone) == (2, 1, False)


def test_a_success_does_not_end_the_rest_that_a_receiver_asked_for() -> None:
    resting = replace(WELL, paused_until=NOW + timedelta(minutes=10))
    assert after(resting, tally(SUCCESS), now=NOW) == resting
    asked = after(WELL, tally(SUCCESS, pause=30), now=NOW)
    assert asked.paused_until == NOW + timedelta(seconds=30)

"""The law of a milestone: whatever is done to it in whatever order."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.milestones.rules import (
    DONE,
    FULL,
    STATES,
    TRANSITIONS,
    ClosureGrade,
    MilestoneFacts,
    MilestoneVerb,
    Share,
    Transition,
    merged,
    moved,
    state_allows,
)

DAY = date(2026, 10, 8)
NEW = MilestoneFacts(
    state="assigned",
    percent=Decimal(0),
    due_date=DAY,
    original_due_date=DAY,
    epoch=1,
    extensions=0,
    sign_by=DAY,
    answer_by=None,
    turn_began=DAY,
    grade=None,
    version=1,
)
VERBS = sorted({verb for _, verb in TRANSITIONS})
DATED = {"reassign", "reschedule", "reopen", "extend"}
TURNS = {"reassign", "complete", "return"}

days = st.dates(date(2021, 1, 1), date(2030, 12, 31))
percents = st.decimals(0, 100, allow_nan=False, allow_infinity=False, places=7)
GRADES: list[ClosureGrade] = ["excellent", "good", "pass", "fail"]


@st.composite
def deeds(draw: st.DrawFn) -> tuple[Transition, date]:
    """A deed as the service makes them, whether or not the state will allow it, on a day."""
    verb: MilestoneVerb = draw(st.sampled_from(VERBS))
    today = draw(days)
    grade: ClosureGrade | None = draw(st.sampled_from(GRADES)) if verb == "close" else None
    return (
        Transition(
            verb,
            percent=draw(percents) if verb in {"progress", "reopen"} else None,
            due_date=draw(days | st.none()) if verb in DATED else None,
            turn_ends=today + timedelta(days=5) if verb in TURNS else None,
            grade=grade,
        ),
        today,
    )


def holds(standing: MilestoneFacts) -> None:
    """What is true of every milestone at any time."""
    assert standing.state in STATES
    assert 0 <= standing.percent <= FULL
    assert standing.original_due_date == DAY
    assert (standing.grade is not None) is (standing.state == "closed")
    assert standing.sign_by is None or standing.state == "assigned"
    assert standing.answer_by is None or standing.state in {"completed", "returned"}
    assert (standing.turn_began is None) is (standing.sign_by is standing.answer_by is None)


@given(st.lists(deeds(), max_size=40))
def test_no_sequence_of_deeds_leaves_the_law(done: list[tuple[Transition, date]]) -> None:
    standing = NEW
    holds(standing)
    for deed, today in done:
        if not state_allows(deed.verb, standing.state):
            with pytest.raises(KeyError):
                moved(standing, deed, today)
            continue
        after = moved(standing, deed, today)
        holds(after)
        assert after.state == TRANSITIONS[standing.state, deed.verb]
        assert after.version == standing.version + 1
        assert after.epoch >= standing.epoch
        assert after.extensions == standing.extensions + (deed.verb == "extend")
        if after.due_date != standing.due_date or deed.verb in {"reassign", "reopen"}:
            assert after.epoch == standing.epoch + 1
        else:
            assert after.epoch == standing.epoch
        if standing.state == "closed":
            assert deed.verb == "reopen"
        standing = after


def test_what_is_cancelled_never_changes_again_and_what_is_closed_only_by_reopening() -> None:
    assert {verb for state, verb in TRANSITIONS if state == "closed"} == {"reopen"}
    assert [verb for state, verb in TRANSITIONS if state == "cancelled"] == []
    assert {"closed", "cancelled"} == DONE


def test_every_state_is_reached_and_every_open_one_leads_to_an_end() -> None:
    reached = {"assigned"}
    while more := {to for (at, _), to in TRANSITIONS.items() if at in reached} - reached:
        reached |= more
    assert reached == set(STATES)
    ending: set[str] = set(DONE)
    while more := {at for (at, _), to in TRANSITIONS.items() if to in ending} - ending:
        ending |= more
    assert ending == set(STATES)


def test_an_extension_is_counted_and_begins_an_epoch_with_its_date() -> None:
    accepted = moved(NEW, Transition("accept"), DAY)
    later = DAY + timedelta(days=30)
    longer = moved(accepted, Transition("extend", due_date=later), DAY)
    again = moved(longer, Transition("extend", due_date=later), DAY)
    assert [one.extensions for one in (accepted, longer, again)] == [0, 1, 2]
    assert [one.epoch for one in (accepted, longer, again)] == [1, 2, 2]
    assert again.due_date == later


@pytest.mark.parametrize("grade", ["excellent", "good", "pass"])
def test_what_is_closed_is_wholly_done_and_reopened_it_is_as_it_was_reported(
    grade: ClosureGrade,
) -> None:
    reported = moved(
        moved(NEW, Transition("accept"), DAY), Transition("progress", Decimal("62.5")), DAY
    )
    handed_in = moved(reported, Transition("complete", turn_ends=DAY), DAY)
    closed = moved(handed_in, Transition("close", grade=grade), DAY)
    reopened = moved(closed, Transition("reopen", percent=Decimal("62.5")), DAY)
    assert (handed_in.percent, closed.percent, reopened.percent) == (
        Decimal("62.5"),
        FULL,
        Decimal("62.5"),
    )
    assert (reopened.state, reopened.epoch, reopened.due_date) == ("in_progress", 2, DAY)
    assert (handed_in.grade, closed.grade, reopened.grade) == (None, grade, None)
    assert moved(closed, Transition("reopen"), DAY).percent == 0


def test_what_is_closed_as_failed_is_as_far_as_it_was_reported() -> None:
    reported = moved(
        moved(NEW, Transition("accept"), DAY), Transition("progress", Decimal(30)), DAY
    )
    handed_in = moved(reported, Transition("complete", turn_ends=DAY), DAY)
    assert moved(handed_in, Transition("close", grade="fail"), DAY).percent == 30


def test_a_request_for_more_time_leaves_the_turn_to_whose_it_is() -> None:
    accepted = moved(NEW, Transition("accept"), DAY)
    returned = moved(
        moved(accepted, Transition("complete", turn_ends=DAY), DAY),
        Transition("return", turn_ends=DAY),
        DAY,
    )
    extended = moved(returned, Transition("extend", due_date=date(2026, 11, 8)), DAY)
    assert (extended.state, extended.answer_by, extended.epoch) == ("returned", DAY, 2)
    assert moved(extended, Transition("progress", percent=Decimal(1)), DAY).answer_by is None


shares = st.builds(Share.of, percents, st.decimals(Decimal("0.0001"), 1000, places=4))


@given(st.lists(shares, min_size=1, max_size=30), st.integers(0, 30))
def test_shares_add_up_exactly_in_whatever_order(parts: list[Share], cut: int) -> None:
    whole = merged(parts)
    assert whole == merged([merged(parts[:cut]), merged(parts[cut:])])
    assert whole == merged(parts[::-1])
    assert whole.percent is not None
    assert 0 <= whole.percent <= FULL
    percents_of = [part.percent for part in parts if part.percent is not None]
    assert min(percents_of) <= whole.percent <= max(percents_of)


def test_nothing_has_no_percentage() -> None:
    assert merged([]).percent is None
    assert Share.of(Decimal("33.3"), Decimal(3)).percent == Decimal("33.3")

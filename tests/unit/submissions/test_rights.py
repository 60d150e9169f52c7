"""Who may do what to a reported value: every role, unit, author and state, without a database."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.identity.actor import Actor
from services.core.identity.rules import ROLES, Role
from services.core.submissions.errors import SubmissionTransitionRefused
from services.core.submissions.rules import (
    TRANSITIONS,
    SubmissionState,
    SubmissionVerb,
    allowed_actions,
    has_right,
    reviews,
    state_allows,
    writes_for,
)
from services.core.submissions.verbs import check_state
from tests.unit.submissions.builders import LEAD, STRANGER, TOWN, a_place, an_actor

WRITES: set[SubmissionVerb] = {"edit", "submit", "withdraw"}
JUDGES: set[SubmissionVerb] = {"approve", "return"}
REVIEWS: set[SubmissionVerb] = {"approve", "return", "reopen"}
EVERY: set[SubmissionVerb] = set(get_args(SubmissionVerb))

CLERK = an_actor("reporter", TOWN, number=2)


def rights(actor: Actor, *authors: Actor) -> set[SubmissionVerb]:
    return {verb for verb in EVERY if has_right(actor, verb, a_place(*authors))}


@pytest.mark.parametrize(
    ("role", "unit", "expected"),
    [
        ("reporter", TOWN, WRITES),
        ("reporter", LEAD, set()),
        ("reporter", STRANGER, set()),
        ("lead", TOWN, WRITES),
        ("lead", LEAD, REVIEWS),
        ("lead", STRANGER, set()),
        ("office", None, EVERY),
        ("office", STRANGER, EVERY),
        ("leader", None, set()),
        ("superior", None, set()),
        ("integrator", TOWN, WRITES),
        ("integrator", LEAD, REVIEWS),
        ("integrator", STRANGER, set()),
        ("integrator", None, WRITES),
        ("system_admin", None, set()),
        ("security_admin", None, set()),
        ("audit_admin", None, set()),
    ],
)
def test_a_role_has_the_rights_that_its_unit_gives_it(
    role: Role, unit: str | None, expected: set[SubmissionVerb]
) -> None:
    assert rights(an_actor(role, unit), CLERK) == expected


def test_without_the_scope_a_role_is_nothing() -> None:
    for role in ROLES:
        for unit in (TOWN, LEAD, None):
            actor = replace(an_actor(role, unit), scopes=frozenset())
            assert rights(actor, CLERK) == set()
            assert not writes_for(actor, TOWN)
            assert not reviews(actor, (LEAD,))


@pytest.mark.parametrize("role", ROLES)
def test_every_scope_does_not_make_up_for_the_role(role: Role) -> None:
    everything = an_actor("integrator").scopes | an_actor("office").scopes
    actor = replace(an_actor(role, TOWN), scopes=everything)
    assert bool(rights(actor, CLERK)) is (role in {"reporter", "lead", "office", "integrator"})
    judge = replace(actor, organization_code=LEAD)
    assert bool(rights(judge, CLERK) & JUDGES) is (role in {"lead", "office", "integrator"})


def test_a_system_of_one_unit_reports_for_that_unit_alone() -> None:
    system = an_actor("integrator", TOWN)
    assert writes_for(system, TOWN)
    assert not writes_for(system, LEAD)
    assert writes_for(an_actor("integrator"), LEAD)


def test_no_author_judges_and_no_key_of_an_authors_unit() -> None:
    office, other_office = an_actor("office", number=1), an_actor("office", number=3)
    lead = an_actor("lead", LEAD, number=4)
    writer_of_lead = an_actor("reporter", LEAD, number=5)
    assert rights(office, CLERK, office) == EVERY - JUDGES
    assert rights(office, office, CLERK) == EVERY - JUDGES
    assert rights(other_office, CLERK, office) == EVERY
    assert rights(lead, CLERK, office) == REVIEWS
    assert rights(lead, writer_of_lead, office) == REVIEWS - JUDGES
    assert rights(lead, office, writer_of_lead) == REVIEWS - JUDGES


def test_two_keys_of_the_whole_plan_are_two_pairs_of_eyes() -> None:
    first, second = an_actor("office", number=1), an_actor("office", number=2)
    assert first.organization_code is second.organization_code is None
    assert has_right(second, "approve", a_place(first))


def test_only_the_office_calls_a_value_false_and_only_once() -> None:
    true = a_place(CLERK, state="approved")
    false = replace(true, falsified=True)
    assert has_right(an_actor("office"), "falsify", true)
    others = (an_actor("lead", LEAD), an_actor("integrator", LEAD), an_actor("integrator"))
    assert not any(has_right(one, "falsify", true) for one in others)
    assert state_allows("falsify", true)
    assert not state_allows("falsify", false)


def test_the_office_may_correct_and_call_false_what_it_reported_itself() -> None:
    office = an_actor("office")
    own = a_place(office, state="approved")
    assert allowed_actions(office, own) == ["reopen", "falsify"]


def test_what_counts_is_not_withdrawn_while_it_is_corrected() -> None:
    states: tuple[SubmissionState, ...] = ("returned", "submitted")
    for state in states:
        free = a_place(CLERK, state=state)
        assert state_allows("withdraw", free)
        assert not state_allows("withdraw", replace(free, correcting=True))


_ACTORS = st.builds(
    an_actor,
    st.sampled_from(ROLES),
    st.sampled_from((None, LEAD, TOWN, STRANGER)),
    st.integers(min_value=1, max_value=4),
)


@given(
    actor=_ACTORS,
    authors=st.lists(_ACTORS, max_size=4),
    state=st.sampled_from(get_args(SubmissionState)),
    correcting=st.booleans(),
    falsified=st.booleans(),
)
def test_what_is_offered_is_right_and_legal_and_never_an_authors_to_judge(
    actor: Actor, authors: list[Actor], state: SubmissionState, *, correcting: bool, falsified: bool
) -> None:
    access = a_place(*authors, state=state, correcting=correcting, falsified=falsified)
    offered = allowed_actions(actor, access)
    legal = {verb for verb in EVERY if (state, verb) in TRANSITIONS}
    assert set(offered) <= legal
    wrote = any(
        one.credential_id == actor.credential_id
        or (one.organization_code or one) == actor.organization_code
        for one in authors
    )
    if wrote:
        assert not JUDGES & set(offered)


@pytest.mark.parametrize(
    ("state", "correcting", "allowed"),
    [
        ("draft", False, {"withdraw"}),
        ("returned", False, {"withdraw"}),
        ("submitted", False, {"withdraw", "approve", "return"}),
        ("approved", False, {"falsify"}),
        # A correction of what is in the plan no more: nobody could end it once it was sent back.
        ("returned", True, set()),
        ("submitted", True, {"approve"}),
    ],
)
def test_of_a_dropped_indicator_all_can_be_ended_and_nothing_begun(
    state: SubmissionState, correcting: bool, allowed: set[SubmissionVerb]
) -> None:
    dropped = a_place(state=state, correcting=correcting, dropped=True)
    assert {one for one in get_args(SubmissionVerb) if state_allows(one, dropped)} == allowed


@pytest.mark.parametrize("dropped", [False, True])
def test_a_refusal_says_what_may_be_done_instead(dropped: bool) -> None:
    actor, place = an_actor("reporter", TOWN), a_place(state="draft", dropped=dropped)
    row = {"state": "draft", "period": "2025"}
    verb: SubmissionVerb = "submit" if dropped else "approve"
    with pytest.raises(SubmissionTransitionRefused) as refused:
        check_state(row, verb, place, actor)
    legal = ["withdraw"] if dropped else ["edit", "submit", "withdraw"]
    assert refused.value.extra == {"state": "draft", "allowed_actions": legal}
    assert (refused.value.detail is not None) is dropped, "why is said where the plan is the cause"

"""Who may do what: every role against every verb, on its own and on another unit's milestone."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.core.identity.actor import Actor, operator
from services.core.identity.rules import GRANTABLE_SCOPES, ROLES, Role
from services.core.milestones.rights import (
    MilestoneAccess,
    acts_for,
    allowed_actions,
    assigns_to,
    has_right,
    may_assign,
    reviews,
)
from services.core.milestones.rules import STATES, MilestoneVerb

LEAD, SHARING, STRANGER = "UN10", "UN14", "UN15"
PARTS = {LEAD: "lead", SHARING: "responsible", "UN05": "responsible"}

UNITS: set[MilestoneVerb] = {"accept", "decline", "progress", "complete", "extensions"}
JUDGES: set[MilestoneVerb] = {"close", "return", "reopen", "extend"}
ASSIGNS: set[MilestoneVerb] = {"edit", "reassign", "reschedule", "cancel"}


def an_actor(role: Role, unit: str | None = None, number: int = 1) -> Actor:
    return replace(
        operator("410183"),
        credential_id=UUID(int=number),
        role=role,
        organization_code=unit,
        scopes=GRANTABLE_SCOPES[role],
    )


def a_place(unit: str = SHARING, **changes: object) -> MilestoneAccess:
    base = MilestoneAccess(
        state="completed",
        organization_code=unit,
        leads=(LEAD,),
        assigned_by=None,
        authors=frozenset({str(UUID(int=9))}),
        completed_by_unit=unit,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def rights(actor: Actor, access: MilestoneAccess) -> set[MilestoneVerb]:
    verbs = UNITS | JUDGES | ASSIGNS
    return {verb for verb in verbs if has_right(actor, verb, access)}


@pytest.mark.parametrize(
    ("role", "unit", "of", "expected"),
    [
        ("reporter", SHARING, SHARING, UNITS),
        ("reporter", LEAD, SHARING, set()),
        ("reporter", STRANGER, SHARING, set()),
        ("lead", SHARING, SHARING, UNITS),
        ("lead", LEAD, SHARING, JUDGES | ASSIGNS),
        ("lead", LEAD, LEAD, UNITS),
        ("lead", SHARING, LEAD, set()),
        ("lead", STRANGER, SHARING, set()),
        ("office", None, SHARING, JUDGES | ASSIGNS),
        ("office", None, LEAD, JUDGES | ASSIGNS),
        ("office", SHARING, SHARING, UNITS | ASSIGNS),
        ("integrator", SHARING, SHARING, UNITS),
        ("integrator", LEAD, SHARING, JUDGES | ASSIGNS),
        ("integrator", None, SHARING, UNITS | JUDGES | ASSIGNS),
        ("leader", None, SHARING, set()),
        ("superior", None, SHARING, set()),
        ("system_admin", None, SHARING, set()),
        ("security_admin", None, SHARING, set()),
        ("audit_admin", None, SHARING, set()),
    ],
)
def test_a_role_has_its_verbs(
    role: Role, unit: str | None, of: str, expected: set[MilestoneVerb]
) -> None:
    assert rights(an_actor(role, unit), a_place(of)) == expected


def test_nobody_judges_what_they_completed_themselves() -> None:
    system = an_actor("integrator", None, number=7)
    access = a_place(authors=frozenset({str(UUID(int=7))}), completed_by_unit=None)
    assert not has_right(system, "close", access)
    assert has_right(an_actor("integrator", None, number=8), "close", access)


def test_no_unit_judges_what_it_did_itself_though_its_measure_has_another_lead() -> None:
    lead = an_actor("lead", LEAD)
    assert reviews(lead, SHARING, (LEAD,))
    assert not reviews(lead, LEAD, (LEAD, SHARING))


def test_what_a_lead_promised_of_its_own_accord_is_its_own_until_it_has_signed() -> None:
    lead = an_actor("lead", LEAD)
    own = a_place(LEAD, state="assigned", assigned_by=LEAD)
    assert rights(lead, own) == UNITS | ASSIGNS
    assert rights(lead, replace(own, state="accepted")) == UNITS
    assert rights(lead, replace(own, assigned_by=None)) == UNITS
    assert rights(an_actor("reporter", LEAD), own) == UNITS


def test_without_the_scope_a_role_is_nothing() -> None:
    for role in ROLES:
        actor = replace(an_actor(role, LEAD), scopes=frozenset())
        assert rights(actor, a_place(LEAD)) == set()
        assert not may_assign(actor)
        assert not assigns_to(actor, LEAD, PARTS)
        assert not acts_for(actor, LEAD)
        assert not reviews(actor, SHARING, (LEAD,))


@pytest.mark.parametrize(
    ("role", "unit", "to", "expected"),
    [
        ("office", None, STRANGER, True),
        ("integrator", None, STRANGER, True),
        ("lead", LEAD, LEAD, True),
        ("lead", LEAD, SHARING, True),
        ("lead", LEAD, STRANGER, False),
        ("lead", SHARING, SHARING, False),
        ("lead", SHARING, LEAD, False),
        ("integrator", LEAD, SHARING, True),
        ("reporter", LEAD, LEAD, False),
        ("leader", None, LEAD, False),
        ("superior", None, LEAD, False),
        ("system_admin", None, LEAD, False),
    ],
)
def test_a_lead_assigns_to_itself_and_to_whom_its_measure_names(
    role: Role, unit: str | None, to: str, *, expected: bool
) -> None:
    assert assigns_to(an_actor(role, unit), to, PARTS) is expected


def test_what_is_offered_is_what_may_be_done() -> None:
    for state in STATES:
        for role in ROLES:
            for unit in (None, LEAD, SHARING):
                actor, place = an_actor(role, unit), a_place(state=state)
                for verb in allowed_actions(actor, place):
                    assert has_right(actor, verb, place)
    clerk = an_actor("reporter", SHARING)
    assert allowed_actions(clerk, a_place(state="assigned")) == ["accept", "decline"]
    assert allowed_actions(clerk, a_place(state="accepted")) == [
        "progress", "complete", "extensions",
    ]  # fmt: skip
    assert allowed_actions(clerk, a_place(state="completed")) == []
    office = an_actor("office")
    assert allowed_actions(office, a_place(state="completed")) == ["close", "return", "cancel"]
    assert allowed_actions(office, a_place(state="closed")) == ["reopen"]
    assert allowed_actions(office, a_place(state="cancelled")) == []

"""Who may do what to a milestone, in any state. Pure: no session, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.milestones.rules import (
    STATES,
    TRANSITIONS,
    MilestoneState,
    MilestoneVerb,
    state_allows,
)

UNITS_VERBS: frozenset[MilestoneVerb] = frozenset(
    {"accept", "decline", "progress", "complete", "extensions"}
)
"""The verbs of the unit that promised the milestone."""

REVIEW_VERBS: frozenset[MilestoneVerb] = frozenset({"close", "return", "reopen", "extend"})
"""The verbs of reviewers of the unit's work and requests. The remaining verbs assign."""

_OFFERED: tuple[MilestoneVerb, ...] = (
    "edit",
    "accept",
    "decline",
    "progress",
    "complete",
    "close",
    "return",
    "reopen",
    "cancel",
    "extensions",
)
"""The verbs with an endpoint; the others are part of one of these."""


@dataclass(frozen=True, slots=True)
class MilestoneAccess:
    """The facts that the right to act on a milestone depends on.

    `leads` are the units that lead its measure; `assigned_by` is the unit that assigned it;
    `authors` are the keys that reported on it or asked for its closure, `completed_by_unit` is the
    unit of the last request for closure.
    """

    state: MilestoneState
    organization_code: str
    leads: tuple[str, ...]
    assigned_by: str | None
    authors: frozenset[str]
    completed_by_unit: str | None


def may_assign(actor: Actor) -> bool:
    """Return whether the actor may assign milestones at all; a clerk may not."""
    return actor.may(Permission.ASSIGN_MILESTONES)


def assigns_to(actor: Actor, organization_code: str, parts: Mapping[str, str]) -> bool:
    """Return whether the actor may assign a milestone of a measure to a unit.

    `parts` says by unit whether it leads the measure or is responsible for it. A lead assigns
    to itself and to the responsible units of what it leads.
    """
    if not may_assign(actor):
        return False
    if actor.may(Permission.RUN_MILESTONES):
        return True
    own = actor.organization_code
    if own is None or parts.get(own) != "lead":
        return False
    return organization_code == own or parts.get(organization_code) == "responsible"


def acts_for(actor: Actor, organization_code: str) -> bool:
    """Return whether the actor signs and reports for a unit."""
    if not actor.may(Permission.WRITE_MILESTONES):
        return False
    if actor.may(Permission.SIGN_FOR_ANY_UNIT):
        return True
    return actor.organization_code == organization_code


def leads_others(actor: Actor, organization_code: str, leads: tuple[str, ...]) -> bool:
    """Return whether the actor's unit leads a measure in which another unit has this milestone."""
    if actor.reach is not Reach.LED:
        return False
    return actor.organization_code in leads and actor.organization_code != organization_code


def reviews(actor: Actor, organization_code: str, leads: tuple[str, ...]) -> bool:
    """Return whether the actor reviews a unit's work; never its own unit's."""
    if not actor.may(Permission.WRITE_MILESTONES):
        return False
    if actor.organization_code == organization_code:
        return False
    return actor.may(Permission.RUN_MILESTONES) or leads_others(actor, organization_code, leads)


def judges(actor: Actor, leads: tuple[str, ...]) -> bool:
    """Return whether the actor reviews milestones at all, under a measure led by `leads`."""
    if not may_assign(actor):
        return False
    return actor.may(Permission.RUN_MILESTONES) or actor.organization_code in leads


def worked_on_it(actor: Actor, access: MilestoneAccess) -> bool:
    """Return whether the actor, or its unit, promised this, reported on it or handed it in."""
    if actor.organization_code is not None and actor.organization_code in {
        access.organization_code,
        access.completed_by_unit,
    }:
        return True
    return str(actor.author_id) in access.authors


def has_right(actor: Actor, verb: MilestoneVerb, access: MilestoneAccess) -> bool:
    """Return whether the actor has the right to a verb, in any state."""
    if verb in UNITS_VERBS:
        return acts_for(actor, access.organization_code)
    if verb in REVIEW_VERBS:
        return reviews(actor, access.organization_code, access.leads) and not worked_on_it(
            actor, access
        )
    return _manages(actor, access)


def _manages(actor: Actor, access: MilestoneAccess) -> bool:
    """Return whether the actor may change or cancel an assigned milestone.

    A lead may for milestones of other units under its measures, and for those that it assigned to
    itself until it has signed.
    """
    if not may_assign(actor):
        return False
    if actor.may(Permission.RUN_MILESTONES) or leads_others(
        actor, access.organization_code, access.leads
    ):
        return True
    own = actor.organization_code
    of_own_accord = own == access.organization_code == access.assigned_by
    return own in access.leads and of_own_accord and access.state == "assigned"


_OFFERED_IN: Mapping[MilestoneState, tuple[MilestoneVerb, ...]] = {
    state: tuple(verb for verb in _OFFERED if (state, verb) in TRANSITIONS) for state in STATES
}


def allowed_actions(actor: Actor, access: MilestoneAccess) -> list[MilestoneVerb]:
    """Return the verbs that this actor may use on this milestone now."""
    return [
        verb
        for verb in _OFFERED_IN[access.state]
        if state_allows(verb, access.state) and has_right(actor, verb, access)
    ]

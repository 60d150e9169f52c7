"""The state machine of a milestone: which states allow a verb, and its effects. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from services.core.kit.decimals import quotient, times, total

MilestoneState = Literal[
    "assigned",
    "accepted",
    "declined",
    "in_progress",
    "completed",
    "closed",
    "returned",
    "cancelled",
]
MilestoneVerb = Literal[
    "edit",
    "reassign",
    "reschedule",
    "accept",
    "decline",
    "progress",
    "complete",
    "close",
    "return",
    "reopen",
    "cancel",
    "extensions",
    "extend",
]
EvidenceRule = Literal["none", "narrative", "document"]
ClosureGrade = Literal["excellent", "good", "pass", "fail"]

STATES: tuple[MilestoneState, ...] = get_args(MilestoneState)
DONE: frozenset[MilestoneState] = frozenset({"closed", "cancelled"})
"""The final states, in which nobody has to act."""

_CHANGEABLE: tuple[MilestoneState, ...] = (
    "assigned",
    "accepted",
    "declined",
    "in_progress",
    "returned",
)
_WORKED_ON: tuple[MilestoneState, ...] = ("accepted", "in_progress", "returned")

TRANSITIONS: Mapping[tuple[MilestoneState, MilestoneVerb], MilestoneState] = {
    ("assigned", "accept"): "accepted",
    ("assigned", "decline"): "declined",
    ("declined", "reassign"): "assigned",
    ("accepted", "progress"): "in_progress",
    ("in_progress", "progress"): "in_progress",
    ("returned", "progress"): "in_progress",
    ("accepted", "complete"): "completed",
    ("in_progress", "complete"): "completed",
    ("returned", "complete"): "completed",
    ("completed", "close"): "closed",
    ("completed", "return"): "returned",
    ("closed", "reopen"): "in_progress",
    ("completed", "cancel"): "cancelled",
    ("completed", "extend"): "completed",
    **{(state, "cancel"): "cancelled" for state in _CHANGEABLE},
    **{(state, "edit"): state for state in _CHANGEABLE},
    **{(state, "reschedule"): state for state in _CHANGEABLE},
    **{(state, "extensions"): state for state in _WORKED_ON},
    **{(state, "extend"): state for state in _WORKED_ON},
}
"""The transitions. A pair that is not here is refused.

`extensions` requests an extension and `extend` grants it; `edit`, `reassign` and `reschedule` are
the effects of a PATCH. A closed milestone changes by `reopen` only, a cancelled one never."""

_MIDST: frozenset[MilestoneVerb] = frozenset({"edit", "reschedule", "extensions", "extend"})
"""The verbs that do not change whose turn it is."""

FULL = Decimal(100)


@dataclass(frozen=True, slots=True)
class MilestoneFacts:
    """The columns that the rules of a milestone read and change."""

    state: MilestoneState
    percent: Decimal
    due_date: date
    original_due_date: date
    epoch: int
    extensions: int
    sign_by: date | None
    answer_by: date | None
    turn_began: date | None
    grade: ClosureGrade | None
    version: int


@dataclass(frozen=True, slots=True)
class Transition:
    """A verb with its parameters.

    `percent` is the reported percentage, or for `reopen` the last one; `turn_ends` is the deadline
    of the new turn, None: it has none.
    """

    verb: MilestoneVerb
    percent: Decimal | None = None
    due_date: date | None = None
    turn_ends: date | None = None
    grade: ClosureGrade | None = None


def state_allows(verb: MilestoneVerb, state: MilestoneState) -> bool:
    """Return whether a state allows a verb, for any actor."""
    return (state, verb) in TRANSITIONS


def moved(standing: MilestoneFacts, deed: Transition, today: date) -> MilestoneFacts:
    """Return the facts after a transition that the state allows."""
    state = TRANSITIONS[standing.state, deed.verb]
    after = _turned(standing, deed, today, signs=state == "assigned")
    return _effect(_dated(replace(after, state=state, version=standing.version + 1), deed), deed)


def _turned(
    standing: MilestoneFacts, deed: Transition, today: date, *, signs: bool
) -> MilestoneFacts:
    """Return the facts with a new turn, to sign or else to answer, and its deadline."""
    if deed.verb in _MIDST and deed.turn_ends is None:
        return standing
    return replace(
        standing,
        sign_by=deed.turn_ends if signs else None,
        answer_by=None if signs else deed.turn_ends,
        turn_began=None if deed.turn_ends is None else today,
    )


def _dated(standing: MilestoneFacts, deed: Transition) -> MilestoneFacts:
    """Return the facts with the new due date; a new date or unit, or reopening, begins an epoch."""
    due_date = deed.due_date or standing.due_date
    if due_date == standing.due_date and deed.verb not in {"reassign", "reopen"}:
        return standing
    return replace(standing, due_date=due_date, epoch=standing.epoch + 1)


def _effect(standing: MilestoneFacts, deed: Transition) -> MilestoneFacts:
    if deed.verb == "extend":
        return replace(standing, extensions=standing.extensions + 1)
    if deed.verb == "close":
        done = standing.percent if deed.grade == "fail" else FULL
        return replace(standing, grade=deed.grade, percent=done)
    if deed.verb == "reopen":
        return replace(standing, grade=None, percent=deed.percent or Decimal(0))
    if deed.verb == "progress" and deed.percent is not None:
        return replace(standing, percent=deed.percent)
    return standing


@dataclass(frozen=True, slots=True)
class Share:
    """A weighted percentage; several are merged by summing weights and weighted percentages."""

    weight: Decimal
    weighted: Decimal

    @classmethod
    def of(cls, percent: Decimal, weight: Decimal) -> "Share":
        """Return the share of one milestone."""
        return cls(weight, times(weight, percent))

    @property
    def percent(self) -> Decimal | None:
        """The weighted mean at scale 20, half even; None if the weights are 0."""
        return quotient(self.weighted, self.weight) if self.weight else None


def merged(shares: Sequence[Share]) -> Share:
    """Return the exact sum of shares."""
    return Share(
        weight=total([share.weight for share in shares]),
        weighted=total([share.weighted for share in shares]),
    )

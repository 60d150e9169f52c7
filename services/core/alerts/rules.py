"""The code of an alert, and which actions its state allows. Pure: no session, no clock."""

import hashlib
from collections.abc import Mapping
from typing import Literal, get_args

from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

AlertState = Literal["open", "acknowledged", "snoozed", "resolved"]
AlertVerb = Literal["acknowledge", "snooze"]
STATES: tuple[AlertState, ...] = get_args(AlertState)

TRANSITIONS: Mapping[tuple[AlertState, AlertVerb], AlertState] = {
    ("open", "acknowledge"): "acknowledged",
    ("open", "snooze"): "snoozed",
    ("acknowledged", "snooze"): "snoozed",
    ("snoozed", "snooze"): "snoozed",
}
"""What may follow what. One acknowledgement answers one notice: the next opens it again."""


def alert_key(kind: str, subject_id: str, rule: str, epoch: int) -> str:
    """Return the identity of an alert: what it is about, by which rule, for which due date."""
    return hashlib.sha256(f"{kind}:{subject_id}:{rule}:{epoch}".encode()).hexdigest()


def answers_for(actor: Actor, organization_code: str) -> bool:
    """Return whether the actor answers for a unit's alerts: its own people, and the office."""
    if not actor.may(Permission.ANSWER_ALERTS):
        return False
    if actor.may(Permission.ANSWER_ANY_ALERT):
        return True
    return actor.organization_code == organization_code


def may_snooze(actor: Actor, level: int, top_level: int) -> bool:
    """Return whether the actor may snooze an alert of this level: the top is the office's."""
    return actor.may(Permission.SNOOZE_TOP_ALERTS) or level < top_level


def allowed_actions(
    actor: Actor, state: AlertState, organization_code: str, level: int, top_level: int
) -> list[AlertVerb]:
    """Return what this actor may do with an alert now."""
    if not answers_for(actor, organization_code):
        return []
    return [
        verb
        for verb in get_args(AlertVerb)
        if (state, verb) in TRANSITIONS
        and (verb != "snooze" or may_snooze(actor, level, top_level))
    ]

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
"""The transitions. One acknowledgement answers one notice: the next notice opens it again."""


def alert_key(kind: str, subject_id: str, rule: str, epoch: int) -> str:
    """Return the unique key of an alert: its subject, rule and due date's epoch."""
    return hashlib.sha256(f"{kind}:{subject_id}:{rule}:{epoch}".encode()).hexdigest()


def answers_for(actor: Actor, organization_code: str) -> bool:
    """Return whether the actor may react to a unit's alerts: its own people, and the office."""
    if not actor.may(Permission.ANSWER_ALERTS):
        return False
    if actor.may(Permission.ANSWER_ANY_ALERT):
        return True
    return actor.organization_code == organization_code


def may_snooze(actor: Actor, level: int, top_level: int) -> bool:
    """Return whether the actor may snooze an alert of this level: only the office the top."""
    return actor.may(Permission.SNOOZE_TOP_ALERTS) or level < top_level


def allowed_actions(
    actor: Actor, state: AlertState, organization_code: str, level: int, top_level: int
) -> list[AlertVerb]:
    """Return the verbs that this actor may use on an alert now."""
    if not answers_for(actor, organization_code):
        return []
    return [
        verb
        for verb in get_args(AlertVerb)
        if (state, verb) in TRANSITIONS
        and (verb != "snooze" or may_snooze(actor, level, top_level))
    ]

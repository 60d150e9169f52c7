"""Writes decisions in batches: notices, alerts, their history and their events.

Each batch is one statement. A notice's key is unique, and only a notice that was really inserted
makes an event. So two evaluations, one after another or at the same time, notify nobody twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.decisions import SUPPRESSED, NoticeDecision, Resolution, event_data
from services.core.alerts.statements import NOTIFY, RESOLVE, SUPPRESS
from services.core.identity.actor import system
from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent

ACTOR = to_json(system("alerts")).decode()


def _common(ground: EvaluationContext) -> dict[str, Any]:
    return {
        "city": ground.plan.city_code,
        "plan": ground.plan.code,
        "now": ground.moment.now,
        "actor": ACTOR,
        "traceparent": present_traceparent(),
        "calendar_version": ground.calendar.version,
        "rules_version": ground.rules_version,
    }


async def notify(
    session: AsyncSession,
    ground: EvaluationContext,
    decisions: Sequence[NoticeDecision],
    steps: Cutoffs,
    digest_ids: Mapping[str, UUID],
) -> Mapping[str, tuple[UUID, int]]:
    """Write decisions of which somebody is notified; return each alert's id and number by its key.

    Only those with a notice of their own get an event; `digest_ids` is, by alert key, the event of
    the digest that contains another.
    """
    if not decisions:
        return {}
    made = [_notified(decision, digest_ids) for decision in decisions]
    rows = await session.execute(
        NOTIFY,
        {
            **_common(ground),
            "made": to_json(made).decode(),
            "stages": [step.stage for step in steps.steps],
            "repeats": [step.repeat for step in steps.steps],
            "levels": [step.level for step in steps.steps],
            "offsets": [step.offset for step in steps.steps],
        },
    )
    note_events(each["event_id"] for each in made if "event_type" in each)
    return {key: (identifier, seq) for key, identifier, seq in rows}


def _notified(decision: NoticeDecision, digest_ids: Mapping[str, UUID]) -> dict[str, Any]:
    alone = decision.outcome == "given"
    made = {
        **decision.row,
        "earlier": decision.earlier,
        "outcome": decision.outcome,
        "arrived": decision.arrived,
        "event_id": new_id() if alone else digest_ids[decision.row["alert_key"]],
    }
    if alone:
        made["event_type"] = "alert.escalated" if decision.escalated else "alert.raised"
        made["data"] = event_data(decision.row)
    return made


async def suppress(
    session: AsyncSession, ground: EvaluationContext, decisions: Sequence[NoticeDecision]
) -> None:
    """Write decisions that are suppressed: nobody is notified for now."""
    assert all(decision.outcome in SUPPRESSED for decision in decisions)  # noqa: S101 (ours alone)
    if decisions:
        made = [
            {**each.row, "outcome": each.outcome, "arrived": each.arrived} for each in decisions
        ]
        await session.execute(SUPPRESS, {**_common(ground), "made": to_json(made).decode()})


async def resolve(
    session: AsyncSession, ground: EvaluationContext, resolutions: Sequence[Resolution]
) -> int:
    """End alerts whose cause is gone; those notified before are notified of it. Return how many."""
    if not resolutions:
        return 0
    made: list[dict[str, Any]] = [
        {
            "id": each.alert_id,
            "reason": each.reason,
            **(
                {}
                if each.data is None
                else {"event_id": new_id(), "event_type": "alert.resolved", "data": each.data}
            ),
        }
        for each in resolutions
    ]
    note_events(each["event_id"] for each in made if "event_id" in each)
    ended = await session.scalar(RESOLVE, {**_common(ground), "made": to_json(made).decode()})
    return int(ended or 0)

"""The single pass over open deadlines: finds newly due steps, and alerts whose cause is gone.

`alerts.decisions` decides what happens to a finding.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.affected import AffectedAlerts
from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.plan_deadlines import plan_deadlines
from services.core.alerts.sources import MUTED, NOTHING, Source
from services.core.alerts.statements import FINDINGS


@dataclass(frozen=True, slots=True)
class Due:
    """A due step of an open subject that is not decided yet; the alert, if there is one."""

    subject_id: str
    epoch: int
    mark: date
    unit: str | None
    measure_code: str | None
    indicator_code: str | None
    label: str
    step: int
    arrives: bool
    muted: bool
    alert_id: UUID | None
    reach: int | None
    suppressed_reach: int | None
    given_level: int | None
    state: str | None
    hold_until: date | None
    holds_top: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """An unresolved alert that has no open subject any more, and why."""

    alert_id: UUID
    reason: str
    notified: bool
    image: Mapping[str, Any]


Finding = Due | Ended

AT_ONCE = 500
"""The most findings held in memory at a time."""


async def findings(
    session: AsyncSession,
    ground: EvaluationContext,
    source: Source,
    steps: Cutoffs,
    touch: AffectedAlerts | None,
) -> AsyncIterator[list[Finding]]:
    """Yield newly due steps and ended alerts of a rule, in bounded batches, soonest due first.

    Findings that may not be sent at the moment are left out. `touch` limits the subjects.
    """
    rows = await session.stream(
        _statement(ground, source, touch),
        _parameters(ground, source, steps, touch),
        execution_options={"yield_per": AT_ONCE},
    )
    async for some in rows.partitions(AT_ONCE):
        yield [
            Due(*row[:17])
            if row.reason is None
            else Ended(row.alert_id, row.reason, row.notified, row.image)
            for row in some
        ]


def _statement(ground: EvaluationContext, source: Source, touch: AffectedAlerts | None) -> Any:
    enabled = ground.rule(source.rule).enabled
    relation = source.relation if enabled else NOTHING
    narrow = touch is not None and source.id_column is not None
    if narrow and enabled:
        relation += f" AND {source.id_column} = ANY(CAST(:ids AS uuid[]))"
    return text(
        FINDINGS.format(
            relation=relation,
            narrowed="AND subject_id = ANY(CAST(:subjects AS text[]))" if narrow else "",
            muted=MUTED if source.has_parents and enabled else "FALSE",
            ending=source.ending if enabled else "'rule_off'",
        )
    ).columns(image=JSONB)


def _parameters(
    ground: EvaluationContext, source: Source, found: Cutoffs, touch: AffectedAlerts | None
) -> dict[str, Any]:
    moment, plan = ground.moment, ground.plan
    # The first step past the due date, from which on a parent's alert replaces its children's.
    overdue = [day for step, day in zip(found.steps, found.latest, strict=True) if step.offset > 0]
    every = {
        "city": plan.city_code,
        "plan": plan.code,
        "registers": list(plan.registers),
        "rule": source.rule,
        "zone": plan.document.time_zone,
        "steps": len(found.steps),
        "latest": list(reversed(found.latest)),
        "offsets": [step.offset for step in found.steps],
        "levels": [step.level for step in found.steps],
        "earliest": found.latest[0] if found.latest else date.min,
        "overdue": overdue[0] if overdue else date.min,
        "first": ground.first,
        "digests": moment.digests,
        "window": moment.window,
        "top": ground.rules.top_level,
    }
    rows = plan_deadlines(plan, source.rule, ground.rules.rules.target_missing, moment.today)
    every |= {
        "epochs": [row.epoch for row in rows],
        "marks": [row.mark for row in rows],
        "indicators": [row.indicator_code for row in rows],
        "labels": [row.label for row in rows],
        "ids": [row.subject_id for row in rows],
    }
    if touch is not None and source.id_column is not None:
        ids = touch.of(source.kind)
        every |= {"ids": ids, "subjects": [str(each) for each in ids]}
    return every

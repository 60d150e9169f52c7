"""The one pass over open deadlines: which steps are newly due, and which alerts' cause is gone.

What is made of a finding is decided in `alerts.decisions`.
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


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is due for an open thing and was not decided yet; the alert, if there is one."""

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
    """An unresolved alert that nothing open stands behind any more, and why."""

    alert_id: UUID
    reason: str
    notified: bool
    image: Mapping[str, Any]


Finding = Due | Ended

AT_ONCE = 500
"""So many findings are held in memory at a time, however many there are."""

# One pass over what is open and what somebody was notified of. FULL JOIN: an open thing without an
# alert may be newly due, and an alert without an open thing has ended. The step that is due for a
# mark is how many of the cut-offs, which ascend here, lie on or after it; `width_bucket` counts
# those that are not after its operand, therefore `mark - 1`.
_FINDINGS = """
WITH found AS MATERIALIZED (
    SELECT o.subject_id, o.epoch, o.mark, o.created_at, o.unit, o.measure_code,
        o.indicator_code, o.label, o.parent_id, a.id AS alert_id, a.reach, a.suppressed_reach,
        a.given_level, a.state, a.hold_until,
        coalesce(a.holds_top, FALSE) AS holds_top,
        CAST(:steps AS integer) - width_bucket(o.mark - 1, CAST(:latest AS date[])) AS step
    FROM ({relation}) o
    FULL JOIN (
        SELECT id, subject_id, epoch, reach, suppressed_reach, given_level, state,
            hold_until, holds_top
        FROM alert
        WHERE city_code = :city AND plan_code = :plan AND rule = :rule
            AND state <> 'resolved' {narrowed}
    ) a ON a.subject_id = o.subject_id AND a.epoch = o.epoch
    WHERE o.subject_id IS NULL OR (
        NOT o.paused AND o.mark <= CAST(:earliest AS date)
        AND (CAST(:offsets AS integer[]))[CAST(:steps AS integer)
            - width_bucket(o.mark - 1, CAST(:latest AS date[]))] > coalesce(a.reach, -1000))
), f AS (
    SELECT *, (CAST(:levels AS integer[]))[step] AS level,
        alert_id IS NULL AND (CAST(:offsets AS integer[]))[step] > 0
            AND (CAST(:first AS boolean)
                OR coalesce((created_at AT TIME ZONE :zone)::date > mark, FALSE)) AS arrives
    FROM found
)
SELECT f.subject_id, f.epoch, f.mark, f.unit, f.measure_code, f.indicator_code, f.label, f.step,
    f.arrives, {muted} AS muted, f.alert_id, f.reach, f.suppressed_reach, f.given_level,
    f.state, f.hold_until, f.holds_top,
    CASE WHEN f.subject_id IS NULL THEN coalesce({ending}, 'gone') END AS reason,
    w.notified, to_jsonb(w) AS image
FROM f LEFT JOIN alert w
    ON f.subject_id IS NULL AND w.city_code = :city AND w.id = f.alert_id
WHERE f.subject_id IS NULL OR f.arrives
    OR CASE WHEN f.level = 0 THEN CAST(:digests AS boolean)
        ELSE CAST(:window AS boolean) OR f.level = :top END
ORDER BY f.mark
"""


async def findings(
    session: AsyncSession,
    ground: EvaluationContext,
    source: Source,
    steps: Cutoffs,
    touch: AffectedAlerts | None,
) -> AsyncIterator[list[Finding]]:
    """Yield what is newly due by a rule and what ended, in bounded batches, soonest due first.

    What may not go out at the moment is left out. `touch` narrows the look to what it names.
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
        _FINDINGS.format(
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
    # The first step past the due date, from which on a parent speaks for its children.
    overdue = [day for step, day in zip(found.steps, found.latest, strict=True) if step.offset > 0]
    every = {
        "city": plan.city_code,
        "plan": plan.code,
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

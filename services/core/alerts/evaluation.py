"""One evaluation of a plan: creates notices of newly due steps, ends finished alerts, adds digests.

All state between two runs is in the tables. So an evaluation may be killed at any line, run twice,
or run after a long pause; the caller holds the plan's lock. A dry run finds and decides the same
and writes nothing.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import queries
from services.core.alerts.affected import AffectedAlerts
from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.decisions import SUPPRESSED, NoticeDecision, Resolution, decide, ended
from services.core.alerts.digests import DigestAddress, Digests
from services.core.alerts.dry_run import DryRunNotice
from services.core.alerts.findings import Due, Ended, Finding, findings
from services.core.alerts.lights import (
    board_periods,
    by_subject,
    light_decisions,
    light_steps,
    lights_recovered,
)
from services.core.alerts.notices import notify, resolve, suppress
from services.core.alerts.sources import SOURCES, Source
from services.core.kit.trail import note_waits


@dataclass(slots=True)
class Evaluated:
    """Counts: notices sent, alone or in digests, or suppressed; alerts ended."""

    notified: int = 0
    suppressed: int = 0
    resolved: int = 0
    digests: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """The decisions on a batch of findings of one rule."""

    steps: Cutoffs
    decisions: Sequence[NoticeDecision]
    ended: Sequence[Resolution]


async def evaluate(
    session: AsyncSession,
    ground: EvaluationContext,
    touch: AffectedAlerts | None = None,
    *,
    by_date: bool = False,
) -> Evaluated:
    """Evaluate a plan, whole or limited to `touch`.

    `by_date`: no event triggered it, so what is due now became due by the date.
    """
    digests, done = await _digests(session, ground, whole=touch is None), Evaluated()
    async for batch in _look(session, ground, touch):
        await _write(session, ground, batch, digests, done)
        if by_date and not ground.first:
            note_waits(_waited(ground, batch.decisions))
    done.digests = await digests.give(session)
    return done


def _waited(ground: EvaluationContext, decisions: Iterable[NoticeDecision]) -> Iterator[float]:
    """Yield for how many seconds the notices that are sent now had been due.

    Only notices due by date count: those due by an event are sent with it.
    """
    for decision in decisions:
        if decision.day is not None:
            since = ground.told_from(decision.day, decision.step.level)
            yield max(0.0, (ground.moment.now - since).total_seconds())


async def dry_run(session: AsyncSession, ground: EvaluationContext, most: int) -> DryRunNotice:
    """Return what evaluating a plan whole would do, with up to `most` notices; writes nothing."""
    digests, foreseen = await _digests(session, ground, whole=True), DryRunNotice(most)
    async for batch in _look(session, ground, None):
        told, suppressed = _sorted_out(batch.decisions, digests)
        foreseen.add([*(decision for decision, _ in told), *suppressed])
        foreseen.digests |= {address for _, address in told if address is not None}
        foreseen.notified += len(told)
        foreseen.suppressed += len(suppressed)
        foreseen.resolved += len(batch.ended)
    return foreseen


async def _digests(session: AsyncSession, ground: EvaluationContext, *, whole: bool) -> Digests:
    plan = ground.plan
    given = await queries.digests_given(session, plan.city_code, plan.code, ground.moment.today)
    return Digests(ground, given, whole=whole)


def sources_of(touch: AffectedAlerts | None) -> Iterable[Source]:
    """Return the sources that may have new findings."""
    if touch is None:
        return SOURCES
    return [source for source in SOURCES if source.id_column is not None and touch.of(source.kind)]


async def _look(
    session: AsyncSession, ground: EvaluationContext, touch: AffectedAlerts | None
) -> AsyncIterator[_Batch]:
    """Yield the decisions on newly due steps and ended alerts, batch by batch."""
    for source in sources_of(touch):
        steps = ground.cutoffs(source)
        async for found in findings(session, ground, source, steps, touch):
            yield _judged(found, ground, source, steps)
    if touch is None or touch.lights:
        yield await _lights(session, ground)


def _judged(
    found: Iterable[Finding], ground: EvaluationContext, source: Source, steps: Cutoffs
) -> _Batch:
    decisions: list[NoticeDecision] = []
    gone: list[Resolution] = []
    for each in found:
        match each:
            case Ended():
                gone.append(ended(each))
            case Due():
                decision = decide(each, ground, source, steps)
                decisions += [] if decision is None else [decision]
    return _Batch(steps, decisions, gone)


async def _lights(session: AsyncSession, ground: EvaluationContext) -> _Batch:
    place = (ground.plan.city_code, ground.plan.code)
    red = await queries.red_lights(session, *place, board_periods(ground))
    alerts = by_subject(await queries.light_alerts(session, *place))
    return _Batch(
        light_steps(ground),
        list(light_decisions(ground, red, alerts)),
        lights_recovered(ground, red, alerts),
    )


def _sorted_out(
    decisions: Iterable[NoticeDecision], digests: Digests
) -> tuple[list[tuple[NoticeDecision, DigestAddress | None]], list[NoticeDecision]]:
    """Return what is sent, each with its digest if any, and what is suppressed.

    What comes too late for its unit's digest is in neither: it is found again for the next.
    """
    told: list[tuple[NoticeDecision, DigestAddress | None]] = []
    suppressed: list[NoticeDecision] = []
    for decision in decisions:
        address = digests.address(decision)
        if decision.outcome in SUPPRESSED:
            suppressed.append(decision)
        elif address is None or digests.takes(address):
            told.append((decision, address))
    return told, suppressed


async def _write(
    session: AsyncSession,
    ground: EvaluationContext,
    batch: _Batch,
    digests: Digests,
    done: Evaluated,
) -> None:
    told, suppressed = _sorted_out(batch.decisions, digests)
    digest_ids = {
        decision.row["alert_key"]: digests.event_id(address)
        for decision, address in told
        if address is not None
    }
    written = await notify(
        session, ground, [decision for decision, _ in told], batch.steps, digest_ids
    )
    for decision, address in told:
        if address is not None:
            digests.add(address, decision, written[decision.row["alert_key"]])
    await suppress(session, ground, suppressed)
    done.notified += len(told)
    done.suppressed += len(suppressed)
    done.resolved += await resolve(session, ground, batch.ended)

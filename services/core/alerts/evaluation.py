"""One evaluation of a plan: what is newly due is told, what ended is resolved, digests go out.

Remembers nothing between two runs but what stands in the tables, so it may be killed at any
line, run twice, or run after a long silence; the caller holds the plan's lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import queries
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.decisions import WITHHELD, Decision, decide, ended
from services.core.alerts.digests import Address, Digests
from services.core.alerts.findings import Due, Ended, findings
from services.core.alerts.ground import Ground
from services.core.alerts.lights import (
    board_period,
    by_subject,
    light_decisions,
    light_steps,
    lights_recovered,
)
from services.core.alerts.notices import resolve, tell, withhold
from services.core.alerts.sources import SOURCES, Source
from services.core.alerts.touch import Touch


@dataclass(slots=True)
class Evaluated:
    """How many stages were told alone or in digests, withheld, and how many alerts ended."""

    told: int = 0
    withheld: int = 0
    resolved: int = 0
    digests: int = 0


async def evaluate(session: AsyncSession, ground: Ground, touch: Touch | None = None) -> Evaluated:
    """Evaluate a plan, whole or as far as `touch` says."""
    plan, moment = ground.plan, ground.moment
    given = await queries.digests_given(session, plan.city_code, plan.code, moment.today)
    digests, done = Digests(ground, given), Evaluated()
    for source in sources_of(touch):
        await _follow(session, ground, source, touch, digests, done)
    if touch is None or touch.lights:
        await _follow_lights(session, ground, digests, done)
    done.digests = await digests.give(session)
    return done


def sources_of(touch: Touch | None) -> Iterable[Source]:
    """Return the sources that may have something new."""
    if touch is None:
        return SOURCES
    return [source for source in SOURCES if source.id_column is not None and touch.of(source.kind)]


async def _follow(
    session: AsyncSession,
    ground: Ground,
    source: Source,
    touch: Touch | None,
    digests: Digests,
    done: Evaluated,
) -> None:
    steps = ground.cutoffs(source)
    async for found in findings(session, ground, source, steps, touch):
        decisions = [
            decision
            for each in found
            if isinstance(each, Due)
            and (decision := decide(each, ground, source, steps)) is not None
        ]
        await _write(session, ground, decisions, steps, digests, done)
        gone = [ended(each) for each in found if isinstance(each, Ended)]
        done.resolved += await resolve(session, ground, gone)


async def _follow_lights(
    session: AsyncSession, ground: Ground, digests: Digests, done: Evaluated
) -> None:
    place = (ground.plan.city_code, ground.plan.code)
    red = await queries.red_lights(session, *place, board_period(ground))
    alerts = by_subject(await queries.light_alerts(session, *place))
    decisions = list(light_decisions(ground, red, alerts))
    await _write(session, ground, decisions, light_steps(ground), digests, done)
    done.resolved += await resolve(session, ground, lights_recovered(ground, red, alerts))


async def _write(
    session: AsyncSession,
    ground: Ground,
    decisions: Iterable[Decision],
    steps: Cutoffs,
    digests: Digests,
    done: Evaluated,
) -> None:
    """Write a batch of decisions; what comes too late for its unit's digest is left for later."""
    told: list[Decision] = []
    kept_back: list[Decision] = []
    addresses: dict[str, Address] = {}
    for decision in decisions:
        address = digests.address(decision)
        if decision.outcome in WITHHELD:
            kept_back.append(decision)
        elif address is None:
            told.append(decision)
        elif digests.takes(address):
            addresses[decision.row["alert_key"]] = address
            told.append(decision)
    digest_ids: dict[str, UUID] = {
        key: digests.event_id(address) for key, address in addresses.items()
    }
    written = await tell(session, ground, told, steps, digest_ids)
    for decision in told:
        key = decision.row["alert_key"]
        if key in addresses:
            digests.add(addresses[key], decision, written[key])
    await withhold(session, ground, kept_back)
    done.told += len(told)
    done.withheld += len(kept_back)

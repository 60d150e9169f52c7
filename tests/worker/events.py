"""Events that say less than they must."""

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.kit.clock import Clock
from tests.integration.scoring.ledger import ACTOR, Ledger
from tests.unit.scoring.builders import CITY, PLAN


def an_event(type_: EventType, kind: str, subject: str) -> NewEvent:
    """An event that says nothing beside what it is of."""
    return NewEvent(
        city_code=CITY,
        plan_code=PLAN,
        type=type_,
        subject_kind=kind,
        subject_id=subject,
        organization_code=None,
        actor=ACTOR,
        data={},
        occurred_at=Clock.true_now(),
    )


async def poison(ledger: Ledger) -> None:
    """Record an event that says less than it must."""
    async with ledger.database.transaction() as session:
        await record(session, an_event("period.opened", "period", "2025"))

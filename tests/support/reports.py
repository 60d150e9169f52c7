"""Figures that are reported to a superior: approved in a small plan, queued, sent and settled."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from services.core.connectors import following, lifecycle, service
from services.core.connectors.models import Connector, ConnectorItem
from services.core.connectors.service import ConnectorDesk
from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.identity.actor import operator
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.core.submissions.images import image
from services.core.submissions.models import Submission, SubmissionHistory
from services.core.webhooks.addresses import AddressPolicy
from services.worker.delivering import Terms
from services.worker.reporting import Reporting
from services.worker.sender import Sender
from tests.support.planted import SEAL
from tests.support.superior import APP_ID, SECRET
from tests.unit.scoring.builders import CITY, PLAN, a_document, an_indicator

LOOPBACK_ALLOWED = AddressPolicy(allow_loopback=True)
INDICATORS = tuple(f"R{number:02}" for number in range(1, 13))
UNITS = tuple(f"UN{number:02}" for number in range(1, 6))
MAPPING: Mapping[str, Any] = {
    "indicators": {code: f"ZB-{code}" for code in INDICATORS},
    "organizations": {code: f"4101-{code}" for code in UNITS},
    "periods": {"2025": "202500"},
    "units": {"%": {"code": "permille", "factor": "10"}},
    "refusals": {
        "E17": {"code": "period-closed", "zh": "报告期已封账", "en": "The period is closed"}
    },
}
TERMS = Terms(schedule=(0, *([60] * 9)), lease_seconds=600)
ACTOR = {"kind": "test"}
Place = tuple[str, str, str]


def small_plan() -> PlanDocument:
    """Twelve indicators in per cent, of which five units report."""
    return a_document(*(an_indicator(code) for code in INDICATORS))


@dataclass
class Reports:
    """A database with a plan, whose figures are reported by connectors."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    terms: Terms = TERMS
    figures: dict[Place, Submission] = field(default_factory=dict)

    async def load(self) -> None:
        async with self.database.transaction() as session:
            await load_plan(session, document=small_plan(), actor=ACTOR, now=self.clock.now())

    async def plan(self) -> PlanState:
        async with self.database.sessions() as session:
            found = await plan_state(session, CITY, PLAN)
        assert found is not None
        return found

    async def desk(self) -> ConnectorDesk:
        return ConnectorDesk(
            actor=operator(CITY),
            plan=await self.plan(),
            policy=LOOPBACK_ALLOWED,
            seal=SEAL,
            now=self.clock.now(),
        )

    async def connector(
        self, address: str, *, receipts: bool = True, enabled: bool = True, **settings: Any
    ) -> UUID:
        """Make a connector, and have what counts queued."""
        desk = await self.desk()
        given = {
            "name": "省平台",
            "url": f"{address}/report",
            "receipts_url": f"{address}/receipts" if receipts else None,
            "profile": "wufei-hmac",
            "app_id": APP_ID,
            "secret": SECRET,
            "mapping": dict(MAPPING),
            "basis": "approved",
            "indicator_codes": [],
            "batch_size": 50,
            "pause_seconds": 0,
        } | settings
        async with self.database.transaction() as session:
            made = await service.create_connector(session, given, desk)
            if enabled:
                await service.note_tried(session, made, desk, missing=0)
                await service.enable_connector(session, made, desk=desk)
        await self.follow()
        return made.id

    async def edit(self, connector_id: UUID, **settings: Any) -> None:
        desk = await self.desk()
        async with self.database.transaction() as session:
            row = await session.get_one(Connector, (CITY, connector_id))
            await service.edit_connector(session, row, settings, desk)
        await self.follow()

    async def rotate(self, connector_id: UUID, secret: str, overlap: timedelta) -> None:
        """Give a connector another secret, and let it go on."""
        desk = await self.desk()
        async with self.database.transaction() as session:
            row = await session.get_one(Connector, (CITY, connector_id))
            true_now = self.clock.true_now()
            await service.give_secret(session, row, secret, overlap, true_now=true_now, desk=desk)

    async def end(self, connector_id: UUID) -> None:
        """End a connector, and let what follows follow."""
        desk = await self.desk()
        async with self.database.transaction() as session:
            row = await session.get_one(Connector, (CITY, connector_id), with_for_update=True)
            await service.end_connector(session, row, desk=desk)
        await self.follow()

    async def approve(
        self,
        *places: Place,
        value: object = "12.5",
        falsified: bool = False,
        type_: EventType = "submission.approved",
    ) -> None:
        """Have figures approved, or called false, and followed."""
        for place in places:
            await self.write(place, value=value, falsified=falsified, type_=type_)
        await self.follow()

    async def write(
        self, place: Place, *, value: object, falsified: bool, type_: EventType
    ) -> None:
        """Write a figure with its history and its event."""
        before = self.figures.get(place)
        now = self.clock.now()
        indicator, unit, period = place
        revision = 1 if before is None else before.revision + (not falsified)
        row = Submission(
            city_code=CITY,
            id=new_id() if before is None else before.id,
            plan_code=PLAN,
            indicator_code=indicator,
            organization_code=unit,
            period=period,
            state="approved",
            revision=revision,
            version=1 if before is None else before.version + 1,
            approved_revision=revision,
            value=Decimal(str(value)),
            data_status="final",
            on_behalf=False,
            falsified=falsified,
            reported_by=new_id(),
            created_at=now,
            updated_at=now,
        )
        columns = {one.key: getattr(row, one.key) for one in Submission.__table__.columns}
        data = {
            "indicator_code": indicator,
            "organization_code": unit,
            "period": period,
            "revision": revision,
            "version": row.version,
            "state": "approved",
        }
        async with self.database.transaction() as session:
            self.figures[place] = await session.merge(row)
            await session.flush()
            await session.execute(
                insert(SubmissionHistory).values(
                    city_code=CITY,
                    submission_id=row.id,
                    version=row.version,
                    action="approved",
                    after=image(columns),
                    actor=ACTOR,
                    occurred_at=now,
                )
            )
            happening = NewEvent(
                CITY, PLAN, type_, "submission", str(row.id), unit, ACTOR, data, now
            )
            await record(session, happening)

    async def follow(self) -> None:
        """Number what was committed, and queue what follows."""
        async with self.database.transaction() as session:
            while await number_committed(session, CITY):
                pass
        while True:
            async with self.database.transaction() as session:
                if await follow(session, CITY, following.FOLLOWER, self.clock) is None:
                    return

    def worker(self, sender: Sender) -> Reporting:
        """Return one that has just begun."""
        return Reporting(
            self.database,
            self.clock,
            seal=SEAL,
            sender=sender,
            terms=self.terms,
            chance=lambda: 0.5,
        )

    async def turn(self, sender: Sender, *, times: int = 1) -> None:
        """Report what is due, and settle it; what the schedule put off is due the next time."""
        for _ in range(times):
            worker = self.worker(sender)
            await worker.begin_due()
            await worker.rest()
            await self.later()

    async def later(self) -> None:
        """Let an hour pass for the queue: what waits is due, and leases are over."""
        await self.rows(
            "UPDATE connector_item SET next_attempt_at = next_attempt_at - interval '1 hour'"
        )
        await self.rows(
            "UPDATE connector SET paused_until = paused_until - interval '1 hour',"
            " lease_until = lease_until - interval '1 hour',"
            " failing_since = failing_since - interval '1 hour'"
        )

    async def again(self, connector_id: UUID, item_id: UUID) -> lifecycle.SentAgain:
        """Have an item sent again by a person."""
        plan = await self.plan()
        async with self.database.transaction() as session:
            row = await session.get_one(Connector, (CITY, connector_id))
            (done,) = await lifecycle.send_again(
                session,
                row,
                [item_id],
                reason="上级已解封",
                plan=plan,
                actor=operator(CITY),
                now=self.clock.now(),
            )
        return done

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            found = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []  # type: ignore[attr-defined]

    async def states(self) -> Counter[str]:
        """How many items are in which state."""
        rows = await self.rows("SELECT state, count(*) FROM connector_item GROUP BY state")
        return Counter({row[0]: row[1] for row in rows})

    async def items(self, place: Place | None = None) -> list[ConnectorItem]:
        """The items, oldest first; of one place, where it is named."""
        rows = await self.rows("SELECT id FROM connector_item ORDER BY id")
        async with self.database.sessions() as session:
            found = [await session.get_one(ConnectorItem, (CITY, row.id)) for row in rows]
        key = [(one.indicator_code, one.organization_code, one.period) for one in found]
        return [one for one, at in zip(found, key, strict=True) if place in {None, at}]

    async def connector_row(self, connector_id: UUID) -> Connector:
        async with self.database.sessions() as session:
            return await session.get_one(Connector, (CITY, connector_id))

    async def happened(self, type_: str) -> list[Mapping[str, Any]]:
        """The data of the events of a type."""
        rows = await self.rows("SELECT data FROM event WHERE type = :type ORDER BY id", type=type_)
        return [row.data for row in rows]


def places(number: int, period: str = "2025") -> list[Place]:
    """So many places of the plan."""
    every = [(indicator, unit, period) for indicator in INDICATORS for unit in UNITS]
    return every[:number]


@asynccontextmanager
async def reports_of(database: Database) -> AsyncIterator[Reports]:
    """Yield a plan whose figures are reported."""
    made = Reports(database, Clock(timedelta()))
    await made.load()
    yield made

"""A small city for the tests of obligations: its plan, periods, values and calendar by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.core.calendars.announcement import AnnouncedDay, Announcement
from services.core.calendars.service import announce_year
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.identity.actor import Actor
from services.core.identity.rules import DEFAULT_SCOPES
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.obligations import queries, service
from services.core.obligations.models import Obligation
from services.core.obligations.queries import (
    Grouping,
    ObligationFilters,
    ObligationView,
    ReportingCounts,
)
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.models import PlanPeriod
from services.core.plan.queries import plan_state
from services.core.plan.service import PeriodVerb
from services.core.plan.state import PlanState
from tests.support.periods import a_period
from tests.unit.scoring.builders import CITY, PLAN

ACTOR = {"kind": "test"}
OFFICE = Actor(
    credential_id=UUID(int=1),
    name="office",
    role="office",
    city_code=CITY,
    organization_code=None,
    plan_code=None,
    scopes=DEFAULT_SCOPES["office"],
    every_city=False,
    channel="test",
    request_id="",
)


def local(day: str, clock: str = "12:00:00") -> datetime:
    """An instant by the clocks of Shanghai."""
    return datetime.fromisoformat(f"{day}T{clock}+08:00").astimezone(UTC)


@dataclass
class Duties:
    """A database with one plan, and the instant that it is."""

    database: Database
    now: datetime = field(default_factory=lambda: local("2026-01-10"))

    def at(self, day: str, clock: str = "12:00:00") -> None:
        self.now = local(day, clock)

    async def load(self, document: PlanDocument) -> None:
        async with self.database.transaction() as session:
            await load_plan(session, document=document, actor=ACTOR, now=self.now)

    async def plan(self) -> PlanState:
        async with self.database.sessions() as session:
            found = await plan_state(session, CITY, PLAN)
        assert found is not None
        return found

    async def move(
        self,
        period: str,
        verb: PeriodVerb,
        *,
        due_date: date | None = None,
        reason: str | None = None,
        plan: PlanState | None = None,
    ) -> PlanPeriod:
        known = plan or await self.plan()
        async with self.database.transaction() as session:
            return await service.move_period(
                session,
                plan=known,
                period=a_period(period),
                verb=verb,
                actor=ACTOR,
                now=self.now,
                due_date=due_date,
                reason=reason,
            )

    async def hand_in(
        self,
        indicator: str = "R01",
        unit: str = "UN01",
        period: str = "2025",
        *,
        state: str = "submitted",
        again_at: datetime | None = None,
    ) -> UUID:
        """Write a submission as it is after being handed in, perhaps once more."""
        submission_id, last = new_id(), again_at or self.now
        handed_in = [] if state == "draft" else [self.now] + ([again_at] if again_at else [])
        await self.execute(
            "INSERT INTO submission (city_code, id, plan_code, indicator_code, organization_code,"
            " period, state, revision, version, value, data_status, on_behalf, falsified,"
            " reported_by, created_at, updated_at, submitted_at) VALUES (:city, :id, :plan,"
            " :indicator, :unit, :period, :state, 1, :version, 1, 'final', FALSE, FALSE, :id, :now,"
            " :last, :submitted)",
            id=submission_id,
            indicator=indicator,
            unit=unit,
            period=period,
            state=state,
            version=len(handed_in) or 1,
            now=self.now,
            last=last,
            submitted=last if handed_in else None,
        )
        for version, instant in enumerate(handed_in, start=1):
            await self.execute(
                "INSERT INTO submission_history (city_code, submission_id, version, action, after,"
                " actor, occurred_at) VALUES (:city, :id, :version, 'submitted', '{}', '{}', :at)",
                id=submission_id,
                version=version,
                at=instant,
            )
        return submission_id

    async def approve(
        self, submission_id: UUID, indicator: str, unit: str, period: str = "2025"
    ) -> None:
        """Approve what was handed in, with the event that says so."""
        await self.execute(
            "UPDATE submission SET state = 'approved', approved_revision = revision"
            " WHERE city_code = :city AND id = :id",
            id=submission_id,
        )
        async with self.database.transaction() as session:
            await record(
                session,
                NewEvent(
                    city_code=CITY,
                    plan_code=PLAN,
                    type="submission.approved",
                    subject_kind="submission",
                    subject_id=str(submission_id),
                    organization_code=unit,
                    actor=ACTOR,
                    data={
                        "indicator_code": indicator,
                        "organization_code": unit,
                        "period": period,
                        "version": 1,
                    },
                    occurred_at=self.now,
                ),
            )

    async def announce(self, *rest: str, year: int = 2027) -> None:
        """Announce a year of the calendar with these days of rest."""
        days = [AnnouncedDay(date.fromisoformat(day), "rest") for day in rest]
        async with self.database.transaction() as session:
            await announce_year(
                session,
                city_code=CITY,
                code="CN",
                announcement=Announcement.of(year, "通知", days),
                actor=ACTOR,
                now=self.now,
            )

    async def follow(self, *, most: int = 500) -> None:
        """Number what is committed and let obligations follow the log to its end."""
        async with self.database.transaction() as session:
            await number_committed(session, CITY)
        busy = True
        while busy:
            async with self.database.transaction() as session:
                clock = Clock(self.now - Clock.true_now())
                busy = await follow(session, CITY, service.FOLLOWER, clock, most=most) is not None

    async def forget_what_was_read(self) -> None:
        await self.execute("DELETE FROM reader_cursor WHERE city_code = :city")

    async def extend(self, granted: str, indicator: str = "R01", unit: str = "UN01") -> None:
        found = await self.one(indicator, unit)
        async with self.database.transaction() as session:
            locked = await queries.visible(session, OFFICE, found.id, for_update=True)
            assert isinstance(locked, Obligation)
            await service.extend(
                session,
                obligation=locked,
                granted_date=date.fromisoformat(granted),
                extension_id=new_id(),
                actor=ACTOR,
                now=self.now,
                reason="年度核算未完成",
            )

    async def listed(self, actor: Actor = OFFICE, **filters: Any) -> list[ObligationView]:
        plan = await self.plan()
        async with self.database.sessions() as session:
            return await queries.page(
                session,
                actor,
                plan,
                today=plan.local_date(self.now),
                filters=ObligationFilters(**filters),
                after=None,
                limit=500,
            )

    async def one(
        self, indicator: str = "R01", unit: str = "UN01", period: str = "2025", **filters: Any
    ) -> ObligationView:
        found = await self.listed(
            indicator_code=indicator, organization_code=unit, period=period, **filters
        )
        assert len(found) == 1, found
        return found[0]

    async def status(self, indicator: str = "R01", unit: str = "UN01") -> str:
        return (await self.one(indicator, unit)).status

    async def rates(
        self, by: Grouping = "organization", period: str | None = None, actor: Actor = OFFICE
    ) -> Sequence[ReportingCounts]:
        plan = await self.plan()
        async with self.database.sessions() as session:
            return await queries.counted(
                session, actor, plan, today=plan.local_date(self.now), by=by, period=period
            )

    async def actions(self, indicator: str = "R01", unit: str = "UN01") -> list[str]:
        """What was done to an obligation, first to last."""
        rows = await self.execute(
            "SELECT h.action FROM obligation_history h JOIN obligation o"
            " ON o.city_code = h.city_code AND o.id = h.obligation_id"
            " WHERE o.city_code = :city AND o.indicator_code = :indicator"
            " AND o.organization_code = :unit ORDER BY o.period, h.version",
            indicator=indicator,
            unit=unit,
        )
        return [action for (action,) in rows]

    async def execute(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        names = {"city": CITY, "plan": PLAN, **values}
        async with self.database.transaction() as session:
            result = await session.execute(
                text(statement), {name: names[name] for name in names if f":{name}" in statement}
            )
            returned = result.returns_rows  # type: ignore[attr-defined]
            return [tuple(row) for row in result.all()] if returned else []

"""A city with Xinmi's plan, and hands to act in it on any day."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.announcement import AnnouncedDay, Announcement
from services.core.calendars.queries import working_calendar
from services.core.calendars.service import announce_year
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.identity.actor import Actor, operator, system
from services.core.identity.rules import GRANTABLE_SCOPES, Role
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.milestones import following, queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.assigning import MilestoneDraft, assign
from services.core.milestones.models import Milestone
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.queries import plan_state
from tests.support.api import XINMI, xinmi

CITY = "410183"
SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLES = ("milestone", "milestone_history", "extension", "event", "reader_cursor")


def at(day: date, hour: int = 10, minute: int = 0, second: int = 0) -> datetime:
    """An instant by the clock of Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=SHANGHAI)


def an_actor(role: Role, unit: str | None = None) -> Actor:
    return replace(
        operator(CITY),
        credential_id=new_id(),
        role=role,
        organization_code=unit,
        scopes=GRANTABLE_SCOPES[role],
        every_city=False,
    )


OFFICE = an_actor("office")


@dataclass
class City:
    """A database with a plan, and what time it is."""

    database: Database
    now: datetime = field(default_factory=lambda: at(date(2025, 9, 1)))

    @property
    def clock(self) -> Clock:
        return Clock(self.now - Clock.true_now())

    async def load(self, document: PlanDocument | None = None) -> None:
        async with self.database.transaction() as session:
            await load_plan(
                session, document=document or xinmi(), actor=system("test"), now=self.now
            )

    async def follow(self, *, most: int = 500) -> int:
        """Number what is committed and follow the log to its end; return in how many turns."""
        for turns in range(100):
            async with self.database.transaction() as session:
                await number_committed(session, CITY)
            async with self.database.transaction() as session:
                if not await follow(session, CITY, following.FOLLOWER, self.clock, most=most):
                    return turns
        raise AssertionError("it never comes to an end")

    @asynccontextmanager
    async def at_desk(
        self, actor: Actor = OFFICE
    ) -> AsyncIterator[tuple[AsyncSession, MilestoneDesk]]:
        """A transaction in which somebody acts."""
        async with self.database.transaction() as session:
            yield session, await self.desk(session, actor)

    async def desk(self, session: AsyncSession, actor: Actor = OFFICE) -> MilestoneDesk:
        plan = await plan_state(session, CITY, XINMI)
        assert plan is not None
        calendar = await working_calendar(session, CITY, "CN")
        return MilestoneDesk(plan, calendar, actor, self.now)

    async def assigned(self, unit: str = "UN10", actor: Actor = OFFICE, **more: Any) -> Milestone:
        draft: dict[str, Any] = {
            "measure_code": "14.1",
            "organization_code": unit,
            "title": "建成农膜回收网点",
            "deliverable": None,
            "evidence_rule": "narrative",
            "weight": Decimal(1),
            "due_date": date(2025, 10, 31),
            "parent_id": None,
        }
        async with self.at_desk(actor) as (session, desk):
            return await assign(session, desk=desk, draft=MilestoneDraft(**(draft | more)))

    async def locked(self, session: AsyncSession, milestone_id: UUID) -> Milestone:
        found = await queries.for_update(session, OFFICE, milestone_id)
        assert found is not None
        return found

    async def tell(self, event_type: Any, **data: object) -> None:
        """Record an event that another part of the system would."""
        async with self.database.transaction() as session:
            await record(
                session,
                NewEvent(
                    city_code=CITY,
                    plan_code=None,
                    type=event_type,
                    subject_kind="calendar",
                    subject_id="CN",
                    organization_code=None,
                    actor=system("test"),
                    data=data,
                    occurred_at=self.now,
                ),
            )

    async def announce(self, *rests: date, year: int = 2025) -> None:
        """Announce a year of the calendar with these days of rest."""
        days = [AnnouncedDay(day, "rest", "休息日") for day in rests]
        async with self.database.transaction() as session:
            await announce_year(
                session,
                city_code=CITY,
                code="CN",
                announcement=Announcement.of(year, "test", days),
                actor=system("test"),
                now=self.now,
            )

    async def execute(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []  # type: ignore[attr-defined]

    async def everything(self) -> list[Any]:
        """All that milestones have written, to see whether it changed."""
        return [await self.execute(f"SELECT * FROM {name} ORDER BY {name}") for name in TABLES]

    def later(self, **step: float) -> None:
        """Let time go by."""
        self.now += timedelta(**step)

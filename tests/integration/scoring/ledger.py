"""A small ledger for the tests of scoring: reports, reviews and plan verbs, then the follower."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.decimals import plain
from services.core.kit.ids import new_id
from services.core.obligations import service as obligations
from services.core.obligations.models import Obligation
from services.core.obligations.service import extend, move_period
from services.core.plan.assigning import Assignment, assign_target
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.queries import plan_state
from services.core.plan.service import PeriodVerb, QuestionDecision, settle_question
from services.core.plan.state import PlanState
from services.core.scoring import queries, service
from services.core.scoring.drawing import Recomputed
from services.core.scoring.models import ScoreSnapshot
from services.core.submissions.models import SubmissionHistory
from tests.support.periods import a_period
from tests.unit.scoring.builders import CITY, PLAN

ACTOR = {"kind": "test"}
_VERBS: dict[str, EventType] = {
    "draft": "submission.created",
    "submitted": "submission.submitted",
    "approved": "submission.approved",
    "returned": "submission.returned",
    "withdrawn": "submission.withdrawn",
}


def clock_on(day: date) -> Clock:
    """A clock whose domain hand shows that day's morning in Shanghai."""
    noon = datetime(day.year, day.month, day.day, 2, tzinfo=Clock.true_now().tzinfo)
    return Clock(noon - Clock.true_now())


@dataclass
class Entry:
    """One submission as it stands: what its history was last given."""

    id: UUID = field(default_factory=new_id)
    version: int = 0
    revision: int = 1
    state: str = "draft"


@dataclass
class Ledger:
    """A database with one plan, and the day it is."""

    database: Database
    clock: Clock = field(default_factory=lambda: clock_on(date(2026, 1, 10)))
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)

    def on(self, day: date) -> None:
        """Make it another day."""
        self.clock = clock_on(day)

    async def load(self, document: PlanDocument) -> None:
        async with self.database.transaction() as session:
            await load_plan(session, document=document, actor=ACTOR, now=self.clock.now())

    async def state(self) -> PlanState:
        async with self.database.sessions() as session:
            found = await plan_state(session, CITY, PLAN)
        assert found is not None
        return found

    async def report(
        self,
        value: object = None,
        *,
        indicator: str = "R01",
        unit: str = "UN01",
        period: str = "2025",
        state: str = "approved",
        **form: Any,
    ) -> Entry:
        """Write the next version of a submission, with its event."""
        place = (indicator, period, unit)
        entry = self.entries.get(place)
        if entry is None or entry.state == "withdrawn":
            entry = self.entries[place] = Entry()
        if entry.state == "approved" and state != "approved":
            entry.revision += 1
        entry.version += 1
        entry.state = state
        image = {
            "plan": PLAN,
            "indicator_code": indicator,
            "organization_code": unit,
            "period": period,
            "state": state,
            "revision": entry.revision,
            "value": None if value is None else plain(Decimal(str(value))),
            "numerator": None,
            "denominator": None,
            "level": None,
            "not_applicable_reason": None,
            "data_status": "final",
            "falsified": False,
        } | form
        data = {name: image[name] for name in list(image)[1:6]} | {"version": entry.version}
        async with self.database.transaction() as session:
            await session.execute(
                insert(SubmissionHistory).values(
                    city_code=CITY,
                    submission_id=entry.id,
                    version=entry.version,
                    action=state,
                    after=image,
                    actor=ACTOR,
                    occurred_at=self.clock.now(),
                )
            )
            await record(
                session,
                NewEvent(
                    city_code=CITY,
                    plan_code=PLAN,
                    type=_VERBS[state],
                    subject_kind="submission",
                    subject_id=str(entry.id),
                    organization_code=unit,
                    actor=ACTOR,
                    data=data,
                    occurred_at=self.clock.now(),
                ),
            )
        return entry

    async def move(
        self,
        period: str,
        verb: PeriodVerb,
        *,
        due_date: date | None = None,
        reason: str | None = None,
    ) -> None:
        state = await self.state()
        async with self.database.transaction() as session:
            await move_period(
                session,
                plan=state,
                period=a_period(period),
                verb=verb,
                actor=ACTOR,
                now=self.clock.now(),
                due_date=due_date,
                reason=reason,
            )

    async def extend(
        self, granted: date, *, indicator: str = "R01", unit: str = "UN01", period: str = "2025"
    ) -> None:
        """Give a unit more time for a value of an opened period."""
        async with self.database.transaction() as session:
            obligation = await session.scalar(
                select(Obligation).where(
                    Obligation.city_code == CITY,
                    Obligation.indicator_code == indicator,
                    Obligation.organization_code == unit,
                    Obligation.period == period,
                )
            )
            assert obligation is not None
            await extend(
                session,
                obligation=obligation,
                granted_date=granted,
                extension_id=new_id(),
                actor=ACTOR,
                now=self.clock.now(),
            )

    async def keep_in_step(self) -> None:
        """Let what is owed follow the log to its end."""
        async with self.database.transaction() as session:
            await number_committed(session, CITY)
        async with self.database.transaction() as session:
            await follow(session, CITY, obligations.FOLLOWER, self.clock)

    async def assign(self, indicator: str, value: object, year: int = 2025) -> None:
        state = await self.state()
        async with self.database.transaction() as session:
            await assign_target(
                session,
                plan=state,
                indicator_code=indicator,
                year=year,
                assignment=Assignment(
                    "at_least", Decimal(str(value)), None, "郑环〔2024〕7号", date(2024, 3, 1)
                ),
                actor=ACTOR,
                now=self.clock.now(),
            )

    async def settle(self, question: str) -> None:
        state = await self.state()
        async with self.database.transaction() as session:
            await settle_question(
                session,
                plan=state,
                question_id=question,
                decision=QuestionDecision("已核实", "新环〔2025〕1号", date(2025, 1, 2)),
                actor=ACTOR,
                now=self.clock.now(),
            )

    async def follow(self, *, most: int = 500) -> int:
        """Number what is committed and follow the log to its end; return in how many steps."""
        steps = 0
        while True:
            async with self.database.transaction() as session:
                await number_committed(session, CITY)
            async with self.database.transaction() as session:
                if not await follow(session, CITY, service.FOLLOWER, self.clock, most=most):
                    return steps
            steps += 1

    async def follow_date(self) -> int:
        async with self.database.transaction() as session:
            return await service.follow_date(session, CITY, clock=self.clock)

    async def recompute(self) -> Recomputed:
        async with self.database.transaction() as session:
            return await service.recompute_plan(session, CITY, PLAN, clock=self.clock)

    async def rebuild(self) -> bool:
        async with self.database.transaction() as session:
            return await service.rebuild_inputs(session, CITY, PLAN)

    async def snapshot(
        self, period: str = "2025", basis: str = "approved", as_of: datetime | None = None
    ) -> ScoreSnapshot | None:
        async with self.database.sessions() as session:
            return await queries.latest_board(
                session, CITY, PLAN, period=period, basis=basis, as_of=as_of
            )

    async def row(
        self, code: str = "R01", period: str = "2025", basis: str = "approved"
    ) -> dict[str, Any]:
        """The row of an indicator on the newest board."""
        found = await self.snapshot(period, basis)
        assert found is not None, f"no board of {period} {basis}"
        row: dict[str, Any] = next(
            each for each in found.board["indicators"] if each["code"] == code
        )
        return row

    async def execute(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []  # type: ignore[attr-defined]

    def later(self, **step: float) -> None:
        """Let the domain's time go by."""
        self.clock = Clock(self.clock.offset + timedelta(**step))

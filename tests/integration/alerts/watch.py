"""A small plan under watch: deadlines put straight into their tables, a clock that is set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from services.core.alerts.evaluation import Evaluated
from services.core.alerts.following import FOLLOWER, evaluate_plan
from services.core.alerts.models import AlertRules
from services.core.alerts.rule_set import RuleSet, default_rules
from services.core.calendars.announcement import AnnouncedDay, Announcement
from services.core.calendars.service import announce_year
from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.extensions.models import Extension
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.submissions.models import Submission, SubmissionHistory
from tests.unit.scoring.builders import CITY, PLAN, a_document, an_indicator

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACTOR = {"kind": "test"}
OFFICE = "UN05"
UNIT = "UN02"
LEAD = "UN01"

MEASURE = {
    "code": "1.1",
    "text": "建设分拣中心",
    "lead_units": [LEAD],
    "lead_text": "单位1",
    "responsible_units": [UNIT, "UN03"],
}


def a_watched_plan(**changes: Any) -> PlanDocument:
    """A plan with an office, one measure led by UN01, and one indicator led by UN01."""
    return a_document(
        an_indicator("R01"),
        **{
            "tasks": [{"number": 1, "section": "一", "title": "任务", "measures": [MEASURE]}],
            "supervision": {"office": OFFICE},
            **changes,
        },
    )


def at(day: str, hour: str = "10:00") -> Clock:
    """A clock whose domain hand shows that hour in Shanghai."""
    local = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=SHANGHAI)
    return Clock(local - Clock.true_now())


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


@dataclass(frozen=True)
class Told:
    """An alert event as a receiver meets it."""

    type: str
    unit: str
    data: Mapping[str, Any]

    @property
    def short(self) -> tuple[str, str, int, int]:
        """Its type without `alert.`, its stage, repeat and level."""
        return (
            self.type.removeprefix("alert."),
            self.data["stage"],
            self.data["repeat"],
            self.data["level"],
        )


def dated(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with days written as text, as the database takes them."""
    return {
        name: date.fromisoformat(value) if name.endswith(("_date", "_by")) and value else value
        for name, value in columns.items()
    }


@dataclass
class Watch:
    """A database with one plan, evaluated when a test says so."""

    database: Database
    document: PlanDocument
    seen: set[UUID] = field(default_factory=set)

    @classmethod
    async def over(cls, database: Database, *, looked_at: bool = True) -> "Watch":
        """Load a plan, with which come the working days that are known, and look at it once."""
        watch = cls(database, a_watched_plan())
        await watch.load(watch.document)
        if looked_at:
            await watch.look("2026-01-05")
        return watch

    async def load(self, document: PlanDocument, on: str = "2026-01-05") -> None:
        self.document = document
        async with self.database.transaction() as session:
            await load_plan(session, document=document, actor=ACTOR, now=at(on).now())

    async def announce(self, year: int, *rests: date) -> None:
        """Announce a year in which these days are of rest."""
        days = [AnnouncedDay(day, "rest", "休息日") for day in rests]
        async with self.database.transaction() as session:
            await announce_year(
                session,
                city_code=CITY,
                code="CN",
                announcement=Announcement.of(year, "国务院办公厅", days),
                actor=ACTOR,
                now=Clock.true_now(),
            )

    async def milestone(self, due: str, **changes: Any) -> UUID:
        """Put a milestone there, assigned to UN02 at the beginning of the year and accepted."""
        made = midnight(date(2026, 1, 4))
        row = {
            "city_code": CITY,
            "id": new_id(),
            "plan_code": PLAN,
            "measure_code": "1.1",
            "organization_code": UNIT,
            "title": "分拣中心投运",
            "evidence_rule": "none",
            "weight": 1,
            "due_date": date.fromisoformat(due),
            "original_due_date": date.fromisoformat(due),
            "epoch": 1,
            "extensions": 0,
            "state": "in_progress",
            "percent": 0,
            "evidence": [],
            "from_plan": False,
            "assigned_by": ACTOR,
            "created_at": made,
            "updated_at": made,
            "version": 1,
            **dated(changes),
        }
        return await self._insert(Milestone, row)

    async def obligation(self, due: str, **changes: Any) -> UUID:
        """Put an obligation of UN02 there."""
        made = midnight(date(2026, 1, 4))
        row = {
            "city_code": CITY,
            "id": new_id(),
            "plan_code": PLAN,
            "indicator_code": "R01",
            "organization_code": UNIT,
            "period": "2026-Q3",
            "state": "owed",
            "due_date": date.fromisoformat(due),
            "original_due_date": date.fromisoformat(due),
            "epoch": 1,
            "extensions": 0,
            "version": 1,
            "created_at": made,
            "updated_at": made,
            **changes,
        }
        return await self._insert(Obligation, row)

    async def submission(self, state: str, on: str, **changes: Any) -> UUID:
        """Put a submission of UN02 there, which came to its state on a day."""
        moment = midnight(date.fromisoformat(on)) + timedelta(hours=10)
        row = {
            "city_code": CITY,
            "id": new_id(),
            "plan_code": PLAN,
            "indicator_code": "R01",
            "organization_code": UNIT,
            "period": "2026-Q3",
            "state": state,
            "revision": 1,
            "version": 2,
            "value": 90,
            "data_status": "final",
            "on_behalf": False,
            "falsified": False,
            "reported_by": new_id(),
            "reported_by_organization": UNIT,
            "created_at": moment,
            "updated_at": moment,
            "submitted_at": moment,
            **changes,
        }
        identifier = await self._insert(Submission, row)
        async with self.database.transaction() as session:
            await session.execute(
                insert(SubmissionHistory).values(
                    city_code=CITY,
                    submission_id=identifier,
                    version=2,
                    action=state,
                    after={},
                    actor=ACTOR,
                    occurred_at=moment,
                )
            )
        return identifier

    async def extension(self, subject: UUID, decide_by: str) -> UUID:
        """Let UN02 ask for more time for a milestone."""
        day = date.fromisoformat(decide_by)
        row = {
            "city_code": CITY,
            "id": new_id(),
            "plan_code": PLAN,
            "subject_kind": "milestone",
            "subject_id": subject,
            "organization_code": UNIT,
            "number": 1,
            "state": "requested",
            "reason": "设备未到",
            "present_date": day,
            "proposed_date": day,
            "decide_by": day,
            "requested_by": ACTOR,
            "requested_at": midnight(date(2026, 1, 4)),
            "version": 1,
        }
        return await self._insert(Extension, row)

    async def _insert(self, table: Any, row: Mapping[str, Any]) -> UUID:
        async with self.database.transaction() as session:
            await session.execute(insert(table).values(**row))
        identifier: UUID = row["id"]
        return identifier

    async def change(self, table: str, identifier: UUID, **columns: Any) -> None:
        """Change a deadline as its own slice would."""
        columns = dated(columns)
        settings = ", ".join(f"{name} = :{name}" for name in columns)
        await self.execute(
            f"UPDATE {table} SET {settings} WHERE id = :id", id=identifier, **columns
        )

    async def set_rules(self, **changes: Any) -> None:
        """Put a version of the rules in force."""
        document = default_rules(self.document).model_dump(mode="json")
        rules = RuleSet.model_validate({**document, **changes})
        rows = await self.execute("SELECT count(*) FROM alert_rules")
        async with self.database.transaction() as session:
            await session.execute(
                insert(AlertRules).values(
                    city_code=CITY,
                    plan_code=PLAN,
                    version=rows[0][0] + 1,
                    rule_set=rules.model_dump(mode="json"),
                    changed_by=ACTOR,
                    changed_at=Clock.true_now(),
                )
            )

    async def look(self, day: str, hour: str = "10:00") -> Evaluated:
        """Evaluate the plan at an hour of a day."""
        async with self.database.transaction() as session:
            done = await evaluate_plan(session, CITY, PLAN, at(day, hour))
        assert done is not None
        return done

    async def happen(
        self, kind: EventType, subject: tuple[str, str], plan: str | None = PLAN
    ) -> None:
        """Record that something happened, as its own slice would."""
        async with self.database.transaction() as session:
            await record(
                session,
                NewEvent(
                    city_code=CITY,
                    plan_code=plan,
                    type=kind,
                    subject_kind=subject[0],
                    subject_id=subject[1],
                    organization_code=None,
                    actor=ACTOR,
                    data={},
                    occurred_at=Clock.true_now(),
                ),
            )

    async def follow(self, day: str, hour: str = "10:00") -> None:
        """Number what was committed, and evaluate what it touched, to the end of the log."""
        following = True
        while following:
            async with self.database.transaction() as session:
                await number_committed(session, CITY)
            async with self.database.transaction() as session:
                following = await follow(session, CITY, FOLLOWER, at(day, hour)) is not None

    async def told(self) -> list[Told]:
        """The events of alerts since this was last asked, in the order they were made."""
        rows = await self.execute(
            "SELECT id, type, organization_code, data FROM event"
            " WHERE type LIKE 'alert.%' ORDER BY id"
        )
        fresh = [row for row in rows if row[0] not in self.seen]
        self.seen |= {row[0] for row in fresh}
        return [Told(row[1], row[2], row[3]) for row in fresh]

    async def alerts(self, columns: str = "stage, repeat, level, state") -> list[tuple[Any, ...]]:
        rows = await self.execute(f"SELECT {columns} FROM alert ORDER BY id")
        return [tuple(row) for row in rows]

    async def notices(self) -> list[tuple[Any, ...]]:
        """Stage, repeat, level and outcome of every notice, by how far it reaches."""
        rows = await self.execute(
            "SELECT stage, repeat, level, outcome FROM alert_notice ORDER BY reach, level"
        )
        return [tuple(row) for row in rows]

    async def execute(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []  # type: ignore[attr-defined]

"""Rows of duties written straight into a database, where a test is about reading them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from services.core.alerts.models import Alert
from services.core.extensions.models import Extension
from services.core.kit.database import Base, Database
from services.core.kit.ids import new_id
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.submissions.models import Submission
from tests.support.api import XINMI, Door

CITY = "410183"
PLAN = "410183-2025"
LONG_AGO = datetime(2025, 1, 6, 1, tzinfo=UTC)
SOMEBODY = {"kind": "system", "name": "test"}


async def add(database: Database, table: type[Base], **values: object) -> UUID:
    """Write one row and return its id."""
    row = {"city_code": CITY, "id": new_id(), "plan_code": PLAN, **_USUAL[table], **values}
    async with database.transaction() as session:
        await session.execute(insert(table).values(**row))
    return UUID(str(row["id"]))


_USUAL: Mapping[type[Base], Mapping[str, Any]] = {
    Obligation: {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "state": "owed",
        "due_date": date(2026, 1, 31),
        "original_due_date": date(2026, 1, 31),
        "epoch": 1,
        "extensions": 0,
        "version": 1,
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
    },
    Milestone: {
        "measure_code": "2.1",
        "organization_code": "UN15",
        "title": "完成16家绿色工厂创建",
        "evidence_rule": "none",
        "weight": Decimal(1),
        "due_date": date(2026, 6, 30),
        "original_due_date": date(2026, 6, 30),
        "epoch": 1,
        "extensions": 0,
        "state": "in_progress",
        "percent": Decimal(0),
        "evidence": [],
        "from_plan": False,
        "assigned_by": SOMEBODY,
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "version": 1,
    },
    Extension: {
        "subject_kind": "milestone",
        "organization_code": "UN15",
        "number": 1,
        "state": "requested",
        "reason": "汛期停工",
        "present_date": date(2026, 6, 30),
        "proposed_date": date(2026, 9, 30),
        "decide_by": date(2026, 6, 10),
        "requested_by": SOMEBODY,
        "requested_at": LONG_AGO,
        "version": 1,
    },
    Alert: {
        "rule": "milestone_due",
        "subject_kind": "milestone",
        "epoch": 1,
        "organization_code": "UN15",
        "title": "完成16家绿色工厂创建",
        "message": "已逾期",
        "message_en": "overdue",
        "due_date": date(2026, 6, 30),
        "stage": "overdue",
        "repeat": 0,
        "level": 1,
        "seq": 1,
        "state": "open",
        "arrived": False,
        "notified": True,
        "recipients": [],
        "calendar": "official",
        "calendar_version": 1,
        "rules_version": 0,
        "holds_top": False,
        "raised_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "version": 1,
    },
    Submission: {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "state": "submitted",
        "revision": 1,
        "version": 1,
        "value": Decimal("40.65"),
        "data_status": "final",
        "on_behalf": False,
        "falsified": False,
        "reported_by": new_id(),
        "reported_by_organization": "UN15",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "submitted_at": LONG_AGO,
    },
}


async def an_obligation(door: Door) -> str:
    """Return one that UN15 has."""
    async with await door.as_("office") as office:
        owed = await office.get(f"/plans/{XINMI}/obligations?page_size=1&organization_code=UN15")
    return str(owed.json()["items"][0]["id"])

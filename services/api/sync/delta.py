"""Computes a device's update: changes since its position, and lists that differ.

Submissions, milestones and rows of registers change by events, so they are sent by position.
Obligations, the to-do list and alerts also change as days pass, without any event: those lists are
short, and are sent whole whenever their digest differs from the device's.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from pydantic_core import to_json

from services.api.agenda.routes import list_todo
from services.api.alerts.routes import list_alerts
from services.api.context import ReadSession, Resources
from services.api.milestones.conflict_routes import list_milestone_conflicts
from services.api.milestones.views import milestone_list, tombstones
from services.api.obligations.routes import list_obligations
from services.api.problems import STATUS
from services.api.registers.conflict_routes import list_register_row_conflicts
from services.api.registers.schemas import is_listed, row_fields
from services.api.submissions.conflict_routes import list_conflicts
from services.api.submissions.schemas import submission_fields
from services.api.sync.schemas import KnownListsIn, ListName
from services.core.events.errors import PositionBeyondLog
from services.core.events.queries import log_position
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.kit.database import driver_connection
from services.core.kit.errors import RefusalKind
from services.core.kit.text import Language
from services.core.milestones import queries as milestone_queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.queries import MilestoneFilters, Sight
from services.core.plan.state import PlanState
from services.core.registers import queries as row_queries
from services.core.registers.queries import RowFilters
from services.core.submissions import queries as submission_queries
from services.core.submissions.queries import SubmissionFilters
from services.core.sync import queries

_POSITIONS = 500
"""Log positions read for one answer."""

_TOLD = ("submissions", "milestones", "register_rows", "tombstones")
"""The changes that are sent by position."""

_OWED, _SHOWN = 500, 200
_REFUSALS_SHOWN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Device:
    """The context of a device's call: caller, plan, session; `known` holds the digests it sent."""

    actor: Actor
    plan: PlanState
    session: ReadSession
    resources: Resources
    request: Request
    language: Language
    known: KnownListsIn


async def changes_since(
    device: Device, desk: MilestoneDesk, position: int | None
) -> dict[str, Any]:
    """Return the changes and deletions since a position, and the position to continue from.

    A device whose position is beyond the log is told to start over. So is one since whose position
    the plan has a new version, or a period changed its state, because visibility and rights changed
    of items that did not change themselves. Its writes are accepted all the same.

    Raises:
        PositionBeyondLog: the position is beyond a replica's log, which may only lag behind.
    """
    if position is None:
        return await _beginning(device, anew=False)
    try:
        return await _changes_after(device, desk, position)
    except PositionBeyondLog:
        if device.resources.reads.on_replica:
            raise
        return await _beginning(device, anew=True)


async def _beginning(device: Device, *, anew: bool) -> dict[str, Any]:
    nothing: dict[str, Any] = {name: [] for name in _TOLD}
    now = await log_position(device.session, device.plan.city_code)
    return {"position": now, "has_more": False, "begin_anew": anew, **nothing}


async def _changes_after(device: Device, desk: MilestoneDesk, position: int) -> dict[str, Any]:
    session, actor, plan = device.session, device.actor, device.plan
    rows, read_to, more, shifted = await submission_queries.changed_after(
        await driver_connection(session),
        actor,
        plan_code=plan.code,
        filters=SubmissionFilters(),
        position=position,
        limit=_POSITIONS,
    )
    if shifted:
        return await _beginning(device, anew=True)
    gone = [
        {"kind": "submission", "id": row["id"], "position": row["position"]}
        for row in rows
        if row["state"] == "withdrawn"
    ]
    told: dict[str, Any] = {
        "position": read_to,
        "has_more": more,
        "begin_anew": False,
        "submissions": [
            submission_fields(row, plan, actor) for row in rows if row["state"] != "withdrawn"
        ],
        "milestones": [],
        "register_rows": [],
        "tombstones": gone,
    }
    listed = await row_queries.changed_after(
        session,
        actor,
        plan_code=plan.code,
        register_code=None,
        filters=RowFilters(),
        position=position,
        limit=_POSITIONS,
    )
    for at, row in listed.found:
        if is_listed(vars(row), {}, actor):
            told["register_rows"].append(row_fields(vars(row), plan, actor))
        else:
            gone.append({"kind": "register_row", "id": row.id, "position": at})
    # Each reads the log by itself; continue from the earlier position, which may repeat changes.
    told["position"] = min(read_to, listed.position)
    told["has_more"] = more or listed.more
    if actor.may(Permission.READ_MILESTONES):
        document = plan.document
        changed = await milestone_queries.changed_after(
            session,
            actor,
            plan_code=plan.code,
            filters=MilestoneFilters(),
            sight=Sight(desk.today, document.time_zone, document.scheme.lights),
            position=position,
            limit=_POSITIONS,
        )
        kept = [row for _, row in changed.found if row.state != "cancelled"]
        told["milestones"] = await milestone_list(session, kept, desk)
        gone += [{"kind": "milestone", **one} for one in tombstones(changed.found)]
        told["position"] = min(told["position"], changed.position)
        told["has_more"] = told["has_more"] or changed.more
    return told


async def lists_that_differ(device: Device) -> dict[str, Any]:
    """Return each list whose digest differs from the device's; None: it is up to date."""
    whole: dict[ListName, tuple[Sequence[Any], bool]] = {
        "obligations": await _obligations(device),
        "todo": await _todo(device),
        "alerts": await _alerts(device),
        "conflicts": await _conflicts(device),
        "milestone_conflicts": await _milestone_conflicts(device),
        "register_row_conflicts": await _row_conflicts(device),
        "refused": await _refused(device),
    }
    return {name: _if_other(listed, getattr(device.known, name)) for name, listed in whole.items()}


def _if_other(listed: tuple[Sequence[Any], bool], known: str | None) -> dict[str, Any] | None:
    items, more = listed
    digest = hashlib.sha256(to_json(items)).hexdigest()[:16]
    if digest == known:
        return None
    return {"digest": digest, "has_more": more, "items": items}


async def _obligations(device: Device) -> tuple[Sequence[Any], bool]:
    actor = device.actor
    if actor.reach is Reach.APPROVED:
        return [], False
    pages = [
        await list_obligations(
            actor, device.plan, device.session, device.resources, status=status, page_size=_OWED
        )
        for status in ("missing", "expected")
    ]
    items = [one for page in pages for one in page.items]
    return items, any(page.next_page_token is not None for page in pages)


async def _todo(device: Device) -> tuple[Sequence[Any], bool]:
    page = await list_todo(
        device.actor,
        device.session,
        device.resources,
        device.request,
        plan=device.plan.code,
        page_size=_SHOWN,
    )
    return page.items, page.next_page_token is not None


async def _alerts(device: Device) -> tuple[Sequence[Any], bool]:
    if not device.actor.may(Permission.READ_ALERTS):
        return [], False
    page = await list_alerts(
        device.actor, device.plan, device.session, device.resources, state="open", page_size=_SHOWN
    )
    return page.items, page.next_page_token is not None


async def _conflicts(device: Device) -> tuple[Sequence[Any], bool]:
    page = await list_conflicts(device.actor, device.plan, device.session, page_size=_SHOWN)
    return page.items, page.next_page_token is not None


async def _milestone_conflicts(device: Device) -> tuple[Sequence[Any], bool]:
    if not device.actor.may(Permission.READ_MILESTONES):
        return [], False
    page = await list_milestone_conflicts(
        device.actor, device.plan, device.session, page_size=_SHOWN
    )
    return page.items, page.next_page_token is not None


async def _row_conflicts(device: Device) -> tuple[Sequence[Any], bool]:
    page = await list_register_row_conflicts(
        device.actor, device.plan, device.session, page_size=_SHOWN
    )
    return page.items, page.next_page_token is not None


async def _refused(device: Device) -> tuple[Sequence[Any], bool]:
    rows = await queries.refused_lately(
        device.session,
        device.actor,
        device.plan,
        since=device.resources.clock.now() - _REFUSALS_SHOWN,
        limit=_SHOWN + 1,
    )
    told = [
        {
            "id": row.id,
            "kind": row.kind,
            "subject_id": row.subject_id,
            "said": row.said,
            "claimed_at": row.claimed_at,
            "received_at": row.received_at,
            "refusal": refusal_out((row.result or {})["refusal"], device.language),
        }
        for row in rows[:_SHOWN]
    ]
    return told, len(rows) > _SHOWN


def refusal_out(kept: Mapping[str, Any] | None, language: Language) -> dict[str, Any] | None:
    """Return a stored refusal as `WriteRefusalOut` has it."""
    if kept is None:
        return None
    words = "detail" if language == "zh-CN" else "detail_en"
    return {
        "status": STATUS[RefusalKind(kept["kind"])],
        "code": kept["code"],
        "message": kept["message"],
        "message_en": kept["message_en"],
        "errors": [
            {
                "pointer": fault["pointer"],
                "code": fault["code"],
                "detail": fault[words],
                "value": fault["value"],
            }
            for fault in kept["errors"]
        ],
    }

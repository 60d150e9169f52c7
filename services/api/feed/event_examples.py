"""An example of every type of event: what it is about, and its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.core.events.catalogue import EventType

_ID = "019aafc0-0000-7000-8000-000000000000"
_PLAN = "410183-2025"


@dataclass(frozen=True, slots=True)
class EventExample:
    """What happens, in a sentence; what it is about; its data."""

    summary: str
    subject: tuple[str, str]
    data: Mapping[str, Any]


def _submission(summary: str, state: str, version: int, **more: object) -> EventExample:
    data = {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "revision": 1,
        "version": version,
        "state": state,
        **more,
    }
    return EventExample(summary, ("submission", _ID), data)


def _period(summary: str, state: str, number: int | None = None) -> EventExample:
    data = {
        "period": "2025",
        "state": state,
        "due_date": "2026-01-20",
        "publication_number": number,
    }
    return EventExample(summary, ("period", f"{_PLAN}/2025"), data)


def _milestone(
    summary: str, state: str, percent: str, version: int, **more: object
) -> EventExample:
    data = {
        "measure_code": "14.1",
        "organization_code": "UN15",
        "title": "建成建筑垃圾资源化利用项目",
        "state": state,
        "percent": percent,
        "due_date": "2026-10-08",
        "epoch": 1,
        "version": version,
        **more,
    }
    return EventExample(summary, ("milestone", _ID), data)


def _extension(summary: str, state: str, **decided: object) -> EventExample:
    data = {
        "measure_code": "14.1",
        "title": "建成建筑垃圾资源化利用项目",
        "subject_kind": "milestone",
        "subject_id": _ID,
        "organization_code": "UN15",
        "number": 1,
        "state": state,
        "present_date": "2026-10-08",
        "proposed_date": "2026-12-31",
        "granted_date": None,
        "decide_by": "2026-09-28",
        "reason": "设备到货推迟",
        "decision_reason": None,
        **decided,
    }
    return EventExample(summary, ("extension", "019bb0f1-7000-7000-8000-0000000000c1"), data)


_RECIPIENTS = [{"organization_code": "UN15", "function": "clerk", "filled_by": None}]
_ALERT_ID = "019bb0f1-7000-7000-8000-0000000000a7"


def _alert(summary: str, stage: str, level: int, seq: int, **more: object) -> EventExample:
    data = {
        "alert_id": _ALERT_ID,
        "alert_key": "7f1d…e2",
        "epoch": 1,
        "seq": seq,
        "rule": "milestone_due",
        "stage": stage,
        "repeat": 0,
        "level": level,
        "due_date": "2026-10-08",
        "subject": {"kind": "milestone", "id": _ID},
        "organization_code": "UN15",
        "measure_code": "14.1",
        "indicator_code": None,
        "title": "建成建筑垃圾资源化利用项目",
        "message": "【橙色督办】“建成建筑垃圾资源化利用项目”已逾期 3 个工作日",
        "message_en": "“建成建筑垃圾资源化利用项目” is 3 working days overdue",
        "recipients": _RECIPIENTS,
        "calendar": "official",
        **more,
    }
    return EventExample(summary, ("alert", _ALERT_ID), data)


def _receiver(summary: str, **more: object) -> EventExample:
    data = {
        "url": "https://data.example.gov.cn/hooks/wufei",
        "owner_credential_id": "019aafc0-0000-7000-8000-0000000000b2",
        **more,
    }
    return EventExample(summary, ("webhook_endpoint", "019bb0f1-7000-7000-8000-0000000000e1"), data)


_FAILING: Mapping[str, Any] = {
    "percent": 50,
    "failing_since": "2026-01-14T07:40:00.731000Z",
    "consecutive_failures": 9,
}

EVENT_EXAMPLES: Mapping[EventType, EventExample] = {
    "plan.published": EventExample(
        "A version of a plan came into force",
        ("plan", _PLAN),
        {"version": 1, "title": "新密市“无废城市”建设实施方案", "status": "in_force"},
    ),
    "target.assigned": EventExample(
        "The superior assigned a target",
        ("indicator", f"{_PLAN}/U08"),
        {
            "indicator_code": "U08",
            "year": 2025,
            "sequence": 1,
            "kind": "at_least",
            "value": "42",
            "upper": None,
            "conditions": [],
            "text": None,
            "document_number": "郑环文〔2025〕18号",
            "document_date": "2025-06-30",
        },
    ),
    "question.settled": EventExample(
        "An open question of the plan was settled",
        ("open_question", f"{_PLAN}/T01"),
        {
            "question_id": "T01",
            "decision": "以附件1为准",
            "document_number": "新密无废办〔2025〕3号",
            "document_date": "2025-07-08",
        },
    ),
    "period.opened": _period("The units are asked for a period's values", "open"),
    "period.closed": _period("A period takes no more values", "closed"),
    "period.published": _period("The scoreboard of a period was published", "published", 1),
    "period.reopened": _period("A period takes values again", "open"),
    "period.rescheduled": _period("The values of a period are due on another day", "open"),
    "period.cancelled": _period("The opening of a period was taken back", "planned"),
    "submission.created": _submission("A draft was written", "draft", 1),
    "submission.changed": _submission("A draft was changed", "draft", 2),
    "submission.submitted": _submission("A value was handed in for review", "submitted", 1),
    "submission.approved": _submission("A value was approved: it counts", "approved", 2),
    "submission.returned": _submission(
        "A value was sent back", "returned", 2, reason="附上监测报告"
    ),
    "submission.reopened": _submission(
        "The correction of an approved value was begun", "draft", 3, revision=2, reason="数据更正"
    ),
    "submission.withdrawn": _submission("A value was taken back", "withdrawn", 2),
    "submission.falsified": _submission(
        "An approved value was found falsified", "approved", 3, reason="核查发现造假"
    ),
    "score.updated": EventExample(
        "A scoreboard is another than it was",
        ("scoreboard", f"{_PLAN}/2025/approved"),
        {
            "period": "2025",
            "basis": "approved",
            "score": "91.11111111111111111111",
            "display": "91.11",
            "grade": "excellent",
            "coverage": "0.72",
            "indicators": ["U08"],
            "position": 17,
        },
    ),
    "calendar.changed": EventExample(
        "Working days were announced",
        ("calendar", "CN"),
        {"code": "CN", "year": 2027, "version": 2, "source": "国办发明电〔2026〕7号"},
    ),
    "obligation.extended": EventExample(
        "A value may be reported later",
        ("obligation", _ID),
        {
            "indicator_code": "U08",
            "organization_code": "UN15",
            "period": "2025-Q4",
            "due_date": "2026-02-10",
            "previous_due_date": "2026-01-20",
            "original_due_date": "2026-01-20",
            "epoch": 2,
            "extensions": 1,
            "extension_id": "019bb0f1-7000-7000-8000-0000000000c1",
            "version": 2,
        },
    ),
    "milestone.created": _milestone("A milestone was assigned", "assigned", "0", 1),
    "milestone.changed": _milestone("What was promised changed", "assigned", "0", 2),
    "milestone.accepted": _milestone("A unit signed for a milestone", "accepted", "0", 2),
    "milestone.declined": _milestone(
        "A unit does not accept a milestone", "declined", "0", 2, reason="不属本单位职责"
    ),
    "milestone.progressed": _milestone("A unit told how far it is", "in_progress", "60", 3),
    "milestone.completed": _milestone("A unit asks for closure", "completed", "100", 4),
    "milestone.closed": _milestone("It was closed with a grade", "closed", "100", 5, grade="good"),
    "milestone.returned": _milestone(
        "The request for closure was sent back", "returned", "100", 5, reason="缺验收材料"
    ),
    "milestone.reopened": _milestone(
        "A closed milestone was opened again", "in_progress", "100", 6, epoch=2, reason="复核不符"
    ),
    "milestone.cancelled": _milestone(
        "A milestone is wanted no more", "cancelled", "0", 2, reason="任务合并"
    ),
    "milestone.rescheduled": _milestone(
        "A milestone has another due date", "in_progress", "60", 4, epoch=2, due_date="2026-12-31"
    ),
    "extension.requested": _extension("More time was asked for", "requested"),
    "extension.decided": _extension(
        "More time was granted", "approved", granted_date="2026-12-15", decision_reason="属实"
    ),
    "extension.changed": _extension("It is to be decided by another day", "requested"),
    "alert_rules.changed": EventExample(
        "The alert rules of a plan changed", ("alert_rules", _PLAN), {"version": 2}
    ),
    "alert.raised": _alert("Something is due soon or late", "T-7", 0, 1),
    "alert.escalated": _alert("Something late goes a level up", "O+3", 2, 4),
    "alert.acknowledged": _alert(
        *("Whoever is in charge answered", "O+1", 1, 5),
        state="acknowledged",
        hold_until="2026-10-14",
        promised_date="2026-10-14",
        answer="设备本周到货",
    ),
    "alert.snoozed": _alert(
        *("An alert was put off", "O+1", 1, 5),
        state="snoozed",
        hold_until="2026-10-20",
        promised_date=None,
        answer="等候检测报告",
    ),
    "alert.resolved": _alert("What was late is done", "O+3", 2, 6, reason="done"),
    "alert.digest": EventExample(
        "What a unit is told of once a day",
        ("alert_digest", f"{_PLAN}/UN15/2026-09-30/daily"),
        {
            "kind": "daily",
            "day": "2026-09-30",
            "organization_code": "UN15",
            "total": 1,
            "by_rule": {"milestone_due": 1},
            "items": [
                {
                    "alert_id": _ALERT_ID,
                    "seq": 1,
                    "stage": "T-7",
                    "level": 0,
                    "due_date": "2026-10-08",
                    "message": "“建成建筑垃圾资源化利用项目”将于 10 月 8 日到期",
                }
            ],
            "more": 0,
            "message": "今日有 1 项提醒",
            "message_en": "1 reminder today",
            "recipients": _RECIPIENTS,
            "rules_version": 1,
            "calendar_version": 1,
        },
    ),
    "webhook.test": _receiver("A test that somebody asked for; for its endpoint alone"),
    "webhook.replayed": _receiver(
        "What was not delivered is sent again",
        since="2026-01-14T00:00:00Z",
        operation_id="019bb0f1-7000-7000-8000-0000000000d1",
    ),
    "webhook.failing": _receiver("Nothing has come through to an endpoint for long", **_FAILING),
    "webhook.disabled": _receiver(
        "Nothing is sent to an endpoint any more", reason="failing", **{**_FAILING, "percent": 100}
    ),
}

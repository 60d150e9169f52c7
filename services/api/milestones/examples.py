"""What the contract shows of milestones: a network to collect mulch film, through its life."""

from typing import Any

from services.api.contract.shown import Example
from services.api.extensions.examples import GRANTED_FIELDS

ID = "019aafc0-0000-7000-8000-0000000000c1"

ASSIGNMENT = Example(
    "MilestoneAssignment",
    "To the unit that leads the measure",
    {
        "measure_code": "14.1",
        "organization_code": "UN10",
        "title": "建成农膜回收网点",
        "deliverable": "每个乡镇至少一个回收网点，台账齐全",
        "due_date": "2026-10-31",
        "weight": "2",
        "evidence_rule": "document",
    },
)
BRANCH = Example(
    "AssignmentOfBranch",
    "The same, weighing as much as others do",
    {
        "measure_code": "14.1",
        "organization_code": "410183107",
        "title": "刘寨镇农膜回收网点",
        "due_date": "2026-09-30",
    },
)
EDIT = Example(
    "MilestoneEdit",
    "A new due date, with its reason",
    {"due_date": "2026-11-15", "weight": "3", "reason": "与秸秆离田作业统筹安排"},
)
RETITLE = Example("MilestoneTitle", "Another title", {"title": "建成农膜和农药包装废弃物回收网点"})
DECLINE = Example("MilestoneDecline", "The reason", {"reason": "职责在市供销社，建议改派"})
PROGRESS = Example(
    "MilestoneProgress",
    "How far it is",
    {
        "percent": "62.5",
        "narrative": "16个网点中10个已建成并挂牌",
        "problems": "两处用地手续未办结",
        "next_steps": "9月底前完成用地手续",
        "expected_date": "2026-10-20",
    },
)
COMPLETION = Example(
    "MilestoneCompletion",
    "A request for closure with a document",
    {
        "narrative": "16个网点全部建成，台账齐全",
        "evidence": [
            {
                "name": "网点验收表.pdf",
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "media_type": "application/pdf",
                "reference": "新农〔2026〕41号",
            }
        ],
    },
)
CLOSURE = Example("MilestoneClosure", "A grade", {"grade": "good", "comment": "两处台账待补签字"})
RETURN = Example("MilestoneReturn", "The reason", {"reason": "验收表缺两个网点"})
REOPENING = Example(
    "MilestoneReopening",
    "The reason, and a new due date",
    {"reason": "抽查发现三处网点停用", "due_date": "2026-12-31"},
)
CANCELLATION = Example("MilestoneCancellation", "The reason", {"reason": "并入市供销社的里程碑"})

_OFFICE = {
    "kind": "api_key",
    "name": "领导小组办公室",
    "role": "office",
    "organization_code": None,
}
_ASSIGNED: dict[str, Any] = {
    "id": ID,
    "plan": "410183-2025",
    "measure_code": "14.1",
    "indicators": [{"code": "U05", "name": "农膜回收率", "unit": "%"}],
    "organization_code": "UN10",
    "organization_name": "市农委",
    "parent_id": None,
    "title": "建成农膜回收网点",
    "deliverable": "每个乡镇至少一个回收网点，台账齐全",
    "evidence_rule": "document",
    "weight": "2",
    "state": "assigned",
    "percent": "0",
    "due_date": "2026-10-31",
    "original_due_date": "2026-10-31",
    "epoch": 1,
    "extensions_granted": 0,
    "extensions": [],
    "sign_by": "2026-08-06",
    "answer_by": None,
    "narrative": None,
    "problems": None,
    "next_steps": None,
    "expected_date": None,
    "evidence": [],
    "grade": None,
    "state_reason": None,
    "from_plan": False,
    "light": "grey",
    "reason": "待签收，期限 2026-08-06",
    "reason_en": "To be signed for by 2026-08-06",
    "reason_code": "to_sign",
    "days_left": 61,
    "days_overdue": None,
    "overdue_days": None,
    "calendar": "official",
    "branch_count": 0,
    "merged_percent": "0",
    "assigned_by": _OFFICE,
    "allowed_actions": ["edit", "cancel"],
    "created_at": "2026-08-03T01:30:00.204117Z",
    "updated_at": "2026-08-03T01:30:00.204117Z",
    "completed_at": None,
    "closed_at": None,
}
_ACCEPTED: dict[str, Any] = {
    **_ASSIGNED,
    "state": "accepted",
    "sign_by": None,
    "light": "green",
    "reason": "完成 0.00%，时间已过 1.12%",
    "reason_en": "0.00% done, 1.12% of the time gone",
    "reason_code": "on_course",
    "days_left": 60,
    "allowed_actions": ["progress", "complete", "extensions"],
    "updated_at": "2026-08-04T02:05:41.118820Z",
}
_PROGRESSED: dict[str, Any] = {
    **_ACCEPTED,
    "state": "in_progress",
    "percent": "62.5",
    "due_date": "2026-11-15",
    "epoch": 2,
    "extensions_granted": 1,
    "extensions": [GRANTED_FIELDS],
    "narrative": "16个网点中10个已建成并挂牌",
    "problems": "两处用地手续未办结",
    "next_steps": "9月底前完成用地手续",
    "expected_date": "2026-10-20",
    "reason": "完成 62.50%，时间已过 44.23%",
    "reason_en": "62.50% done, 44.23% of the time gone",
    "days_left": 36,
    "merged_percent": "55",
    "branch_count": 1,
    "updated_at": "2026-09-18T08:12:00.000512Z",
}
_BRANCHES = [
    {
        "id": "019aafc0-0000-7000-8000-0000000000c2",
        "organization_code": "410183107",
        "organization_name": "刘寨镇",
        "title": "刘寨镇农膜回收网点",
        "state": "in_progress",
        "percent": "40",
        "weight": "1",
        "due_date": "2026-09-30",
        "light": "yellow",
        "reason": "完成 40.00%，落后于时间进度 79.31%",
        "reason_en": "40.00% done, behind the 79.31% of the time that has gone",
    }
]
_COMPLETED: dict[str, Any] = {
    **_PROGRESSED,
    "state": "completed",
    "narrative": "16个网点全部建成，台账齐全",
    "evidence": [
        {
            "name": "网点验收表.pdf",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "media_type": "application/pdf",
            "reference": "新农〔2026〕41号",
        }
    ],
    "answer_by": "2026-11-17",
    "reason": "已于 2026-11-10 申请办结，待审核",
    "reason_en": "Handed in on 2026-11-10, under review",
    "reason_code": "completed",
    "days_left": None,
    "allowed_actions": [],
    "updated_at": "2026-11-10T03:20:00.412118Z",
    "completed_at": "2026-11-10T03:20:00.412118Z",
}
_CLOSED: dict[str, Any] = {
    **_COMPLETED,
    "state": "closed",
    "percent": "100",
    "grade": "good",
    "answer_by": None,
    "state_reason": "两处台账待补签字",
    "reason": "已办结（2026-11-10 申请办结）",
    "reason_en": "Closed; handed in on 2026-11-10",
    "reason_code": "closed",
    "merged_percent": "80",
    "allowed_actions": ["reopen"],
    "updated_at": "2026-11-12T06:02:17.900001Z",
    "closed_at": "2026-11-12T06:02:17.900001Z",
}
_RETURNED: dict[str, Any] = {
    **_COMPLETED,
    "state": "returned",
    "answer_by": "2026-11-19",
    "state_reason": "验收表缺两个网点",
    "light": "yellow",
    "reason": "已退回，须于 2026-11-19 前答复",
    "reason_en": "Sent back; to be answered by 2026-11-19",
    "reason_code": "returned",
    "days_left": 2,
    "allowed_actions": ["edit", "cancel"],
    "completed_at": None,
}


def _detail(fields: dict[str, Any], *branches: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "branches": list(branches)}


ASSIGNED = Example("MilestoneAssigned", "Assigned; to be signed for", _detail(_ASSIGNED))
MILESTONE = Example("Milestone", "One milestone with its branch", _detail(_PROGRESSED, *_BRANCHES))
MILESTONES = Example(
    "Milestones",
    "A page of milestones",
    {
        "items": [_PROGRESSED],
        "next_page_token": "WyJmNmQzYTk1OGE5NzYiLCAiMjAyNi0xMS0xNSIsICIwMTlhYWZjMCJd",
        "tombstones": [],
        "position": None,
        "has_more": True,
    },
)
EDITED = Example(
    "MilestoneEdited",
    "The changed milestone",
    _detail({**_ASSIGNED, "due_date": "2026-11-15", "epoch": 2, "weight": "3"}),
)
ACCEPTED = Example("MilestoneAccepted", "Signed for", _detail(_ACCEPTED))
DECLINED = Example(
    "MilestoneDeclined",
    "Not signed for, with the reason",
    _detail(
        {
            **_ACCEPTED,
            "state": "declined",
            "state_reason": "职责在市供销社，建议改派",
            "light": "yellow",
            "reason": "未接收，待重新分派",
            "reason_en": "Declined; to be assigned anew",
            "reason_code": "declined",
            "allowed_actions": [],
        }
    ),
)
PROGRESSED = Example("MilestoneProgressed", "As reported", _detail(_PROGRESSED, *_BRANCHES))
COMPLETED = Example("MilestoneCompleted", "It waits to be judged", _detail(_COMPLETED, *_BRANCHES))
CLOSED = Example("MilestoneClosed", "Closed with its grade", _detail(_CLOSED, *_BRANCHES))
RETURNED = Example("MilestoneReturned", "Sent back", _detail(_RETURNED, *_BRANCHES))
REOPENED = Example(
    "MilestoneReopened",
    "Taken up again: a new epoch",
    _detail(
        {
            **_PROGRESSED,
            "due_date": "2026-12-31",
            "epoch": 3,
            "state_reason": "抽查发现三处网点停用",
            "allowed_actions": ["edit", "cancel"],
        },
        *_BRANCHES,
    ),
)
CANCELLED = Example(
    "MilestoneCancelled",
    "Given up for good",
    _detail(
        {
            **_ACCEPTED,
            "state": "cancelled",
            "state_reason": "并入市供销社的里程碑",
            "light": "grey",
            "reason": "已取消",
            "reason_en": "Cancelled",
            "reason_code": "cancelled",
            "days_left": None,
            "allowed_actions": [],
        }
    ),
)
HISTORY = Example(
    "MilestoneHistory",
    "The changes of a milestone",
    {
        "items": [
            {
                "version": 1,
                "action": "created",
                "before": None,
                "after": {
                    "plan": "410183-2025",
                    "measure_code": "14.1",
                    "organization_code": "UN10",
                    "parent_id": None,
                    "title": "建成农膜回收网点",
                    "deliverable": "每个乡镇至少一个回收网点，台账齐全",
                    "evidence_rule": "document",
                    "weight": "2",
                    "state": "assigned",
                    "percent": "0",
                    "due_date": "2026-10-31",
                    "original_due_date": "2026-10-31",
                    "epoch": 1,
                    "extensions_granted": 0,
                    "sign_by": "2026-08-06",
                    "answer_by": None,
                    "narrative": None,
                    "problems": None,
                    "next_steps": None,
                    "expected_date": None,
                    "evidence": [],
                    "grade": None,
                    "state_reason": None,
                },
                "actor": {
                    "kind": "api_key",
                    "id": "019aafc0-0000-7000-8000-0000000000a2",
                    "name": "领导小组办公室",
                    "role": "office",
                    "organization_code": None,
                    "channel": "api",
                    "request_id": "019bb0f1-5a54-7c1e-9a0e-2f6f0d1c7b12",
                },
                "reason": None,
                "occurred_at": "2026-08-03T01:30:00.204117Z",
            }
        ],
        "next_page_token": None,
    },
)

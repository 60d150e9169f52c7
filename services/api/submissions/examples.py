"""What the contract shows of submissions: the city's recycling rate through its review."""

from typing import Any

from services.api.contract.shown import Example

RATIO = Example(
    "ReportRatio",
    "A ratio: the value is computed exactly",
    {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "numerator": "8.52",
        "denominator": "21.10",
        "data_status": "final",
        "source": "城管局2025年度报表",
    },
)
VALUE = Example(
    "ReportValue",
    "A value, kept as a draft",
    {
        "indicator_code": "U07",
        "organization_code": "UN15",
        "period": "2025",
        "value": "96.2",
        "data_status": "provisional",
        "note": "12月为快报数",
        "draft": True,
    },
)
NOT_APPLICABLE = Example(
    "ReportNotApplicable",
    "Not applicable, with the reason",
    {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025-Q3",
        "not_applicable_reason": "该指标按年统计，季度无数据",
    },
)

_SUBMITTED: dict[str, Any] = {
    "id": "019aafc0-0000-7000-8000-000000000000",
    "plan": "410183-2025",
    "indicator_code": "U08",
    "indicator_name": "（城区）生活垃圾回收利用率",
    "unit": "%",
    "organization_code": "UN15",
    "organization_name": "市城管局",
    "period": "2025",
    "state": "submitted",
    "revision": 1,
    "approved_revision": None,
    "value": "40.37914691943127962085",
    "numerator": "8.52",
    "denominator": "21.1",
    "level": None,
    "not_applicable_reason": None,
    "data_status": "final",
    "note": None,
    "source": "城管局2025年度报表",
    "on_behalf_of": None,
    "falsified": False,
    "counts": True,
    "counts_reason": None,
    "warnings": [],
    "reason": None,
    "allowed_actions": ["withdraw"],
    "created_at": "2026-01-12T02:11:09.204117Z",
    "updated_at": "2026-01-12T02:11:09.204117Z",
    "submitted_at": "2026-01-12T02:11:09.204117Z",
    "decided_at": None,
}
_DECIDED = {
    "updated_at": "2026-01-14T07:40:00.518204Z",
    "decided_at": "2026-01-14T07:40:00.518204Z",
}
_APPROVED = {
    **_SUBMITTED,
    **_DECIDED,
    "state": "approved",
    "approved_revision": 1,
    "allowed_actions": ["reopen", "falsify"],
}
_RETURNED = {
    **_SUBMITTED,
    **_DECIDED,
    "state": "returned",
    "reason": "分母口径应为产生量",
    "allowed_actions": [],
}
SUBMITTED = Example("SubmissionSubmitted", "Handed in for review", _SUBMITTED)
SUBMISSION = Example("Submission", "One submission", _APPROVED)
SUBMISSIONS = Example(
    "Submissions",
    "A page of submissions",
    {
        "items": [_APPROVED],
        "next_page_token": "WyJmNmQzYTk1OGE5NzYiLCAiMDE5YWFmYzAiXQ",
        "tombstones": [],
        "position": None,
        "has_more": True,
    },
)
APPROVED = Example("SubmissionApproved", "Approved: from now on it counts", _APPROVED)
RETURNED = Example("SubmissionReturned", "Sent back, with the reason", _RETURNED)
WITHDRAWN = Example(
    "SubmissionWithdrawn",
    "Taken back; its place is free again",
    {**_SUBMITTED, "state": "withdrawn", "reason": "重复填报", "allowed_actions": []},
)
REOPENED = Example(
    "SubmissionReopened",
    "A new revision; the approved one counts until this one is approved",
    {
        **_RETURNED,
        "revision": 2,
        "approved_revision": 1,
        "decided_at": "2026-01-14T07:40:00.518204Z",
    },
)
FALSIFIED = Example(
    "SubmissionFalsified",
    "Found falsified; the grade follows from it",
    {**_APPROVED, "falsified": True, "reason": "台账与报表不符", "allowed_actions": ["reopen"]},
)

EDIT = Example(
    "Edit",
    "A corrected ratio",
    {"numerator": "8.52", "denominator": "21.34", "note": "分母改为产生量"},
)
EDITED = Example(
    "SubmissionEdited",
    "The changed submission",
    {
        **_RETURNED,
        "value": "39.92502343017806935333",
        "denominator": "21.34",
        "note": "分母改为产生量",
        "allowed_actions": ["edit", "submit", "withdraw"],
    },
)
REASON = Example("Reason", "The reason", {"reason": "分母口径应为产生量"})
REMARK = Example("Remark", "A remark, or no body at all", {"reason": "已与环卫中心核对"})

_IMAGE = {
    "plan": "410183-2025",
    "indicator_code": "U08",
    "organization_code": "UN15",
    "period": "2025",
    "state": "submitted",
    "revision": 1,
    "approved_revision": None,
    "value": "40.37914691943127962085",
    "numerator": "8.52",
    "denominator": "21.1",
    "level": None,
    "not_applicable_reason": None,
    "data_status": "final",
    "note": None,
    "source": "城管局2025年度报表",
    "on_behalf": False,
    "falsified": False,
}
HISTORY = Example(
    "History",
    "The changes of a submission",
    {
        "items": [
            {
                "version": 1,
                "action": "submitted",
                "before": None,
                "after": _IMAGE,
                "actor": {
                    "kind": "api_key",
                    "id": "019aafc0-0000-7000-8000-0000000000a1",
                    "name": "市城管局填报员",
                    "role": "reporter",
                    "organization_code": "UN15",
                    "channel": "api",
                    "request_id": "019bb0f1-5a54-7c1e-9a0e-2f6f0d1c7b11",
                },
                "reason": None,
                "occurred_at": "2026-01-12T02:11:09.204117Z",
            }
        ],
        "next_page_token": None,
    },
)

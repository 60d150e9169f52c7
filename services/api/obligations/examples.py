"""What the contract shows of reporting obligations: a value owed, extended once."""

from typing import Any

from services.api.contract.shown import Example

_OWED: dict[str, Any] = {
    "id": "019bb0f0-1d2c-7000-8000-0000000000c1",
    "plan": "410183-2025",
    "indicator_code": "U08",
    "indicator_name": "（城区）生活垃圾回收利用率",
    "organization_code": "UN15",
    "period": "2025",
    "status": "expected",
    "due_date": "2026-02-13",
    "original_due_date": "2026-01-31",
    "epoch": 2,
    "extensions": 1,
    "may_extend": True,
    "calendar": "official",
    "days_left": 9,
    "days_overdue": None,
    "submission_id": "019aafc0-0000-7000-8000-000000000000",
    "submission_state": "draft",
    "reported_at": None,
}
OBLIGATION = Example("Obligation", "A value that is owed", _OWED)
OBLIGATIONS = Example(
    "Obligations",
    "A page of what is owed, soonest due first",
    {"items": [_OWED], "next_page_token": "WyIyMTZjNDc0ZTNkY2QiLCAiMjAyNi0wMi0xMyJd"},
)

_IMAGE: dict[str, Any] = {
    "plan": "410183-2025",
    "indicator_code": "U08",
    "organization_code": "UN15",
    "period": "2025",
    "state": "owed",
    "due_date": "2026-01-31",
    "original_due_date": "2026-01-31",
    "epoch": 1,
    "extensions": 0,
}
_OFFICE = {
    "kind": "api_key",
    "id": "019aafc0-0000-7000-8000-0000000000b2",
    "name": "领导小组办公室",
    "role": "office",
    "organization_code": None,
    "channel": "api",
    "request_id": "019bb0f1-6afc-7d52-b0a2-5f1c7f9a3e10",
}
OBLIGATION_HISTORY = Example(
    "ObligationHistory",
    "The changes of an obligation",
    {
        "items": [
            {
                "version": 1,
                "action": "raised",
                "before": None,
                "after": _IMAGE,
                "actor": _OFFICE,
                "reason": None,
                "occurred_at": "2026-01-05T01:00:00Z",
            },
            {
                "version": 2,
                "action": "extended",
                "before": _IMAGE,
                "after": {**_IMAGE, "due_date": "2026-02-13", "epoch": 2, "extensions": 1},
                "actor": _OFFICE,
                "reason": None,
                "occurred_at": "2026-01-28T07:30:00Z",
            },
        ],
        "next_page_token": None,
    },
)

_RATE: dict[str, Any] = {
    "expected": 10,
    "reported": 8,
    "on_time": 6,
    "late": 2,
    "missing": 2,
    "reporting_rate": "80",
    "on_time_rate": "60",
}
RATES = Example(
    "ReportingRates",
    "What was reported of what is owed, by unit",
    {
        "plan": "410183-2025",
        "period": "2025",
        "by": "organization",
        "items": [{"code": "UN15", "name": "市城管局", **_RATE}],
        "total": _RATE,
        "next_page_token": None,
    },
)

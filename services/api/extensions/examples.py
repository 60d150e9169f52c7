"""What the contract shows of extensions: more time for a milestone, granted in part."""

from typing import Any

from services.api.contract.shown import Example

ID = "019aafc0-0000-7000-8000-0000000000e1"

REQUEST = Example(
    "ExtensionRequest",
    "A month more",
    {"proposed_date": "2026-11-30", "reason": "汛期停工，网点土建推迟约一个月"},
)
GRANT = Example(
    "Grant",
    "Granted in part",
    {"granted_date": "2026-11-15", "reason": "同意延至11月中旬"},
)
DENIAL = Example("Denial", "Refused", {"reason": "不影响主体工程，应按期完成"})
WITHDRAWAL = Example("Withdrawal", "Taken back", {"reason": "已恢复施工"})

_REQUESTED: dict[str, Any] = {
    "id": ID,
    "plan": "410183-2025",
    "subject_kind": "milestone",
    "subject_id": "019aafc0-0000-7000-8000-0000000000c1",
    "organization_code": "UN10",
    "number": 1,
    "state": "requested",
    "reason": "汛期停工，网点土建推迟约一个月",
    "present_date": "2026-10-31",
    "proposed_date": "2026-11-30",
    "granted_date": None,
    "partly": False,
    "decide_by": "2026-09-22",
    "decision_reason": None,
    "requested_by": {
        "kind": "api_key",
        "name": "市农委填报员",
        "role": "reporter",
        "organization_code": "UN10",
    },
    "requested_at": "2026-09-15T02:11:09.204117Z",
    "decided_by": None,
    "decided_at": None,
    "allowed_actions": ["withdraw"],
}
_DECIDED: dict[str, Any] = {
    **_REQUESTED,
    "decided_by": {
        "kind": "api_key",
        "name": "领导小组办公室",
        "role": "office",
        "organization_code": None,
    },
    "decided_at": "2026-09-17T07:40:00.518204Z",
    "allowed_actions": [],
}
_GRANTED = {
    **_DECIDED,
    "state": "approved",
    "granted_date": "2026-11-15",
    "partly": True,
    "decision_reason": "同意延至11月中旬",
}
WAITING_FIELDS = {**_REQUESTED, "allowed_actions": ["approve", "deny"]}
GRANTED_FIELDS = _GRANTED

REQUESTED = Example("ExtensionRequested", "It waits for its answer", _REQUESTED)
EXTENSION = Example("Extension", "One extension", _GRANTED)
EXTENSIONS = Example(
    "Extensions",
    "A page of extensions",
    {"items": [WAITING_FIELDS], "next_page_token": None},
)
GRANTED = Example("ExtensionGranted", "The new due date is in force", _GRANTED)
DENIED = Example(
    "ExtensionDenied",
    "The present due date stands",
    {**_DECIDED, "state": "denied", "decision_reason": "不影响主体工程，应按期完成"},
)
WITHDRAWN = Example(
    "ExtensionWithdrawn",
    "Taken back",
    {
        **_DECIDED,
        "state": "withdrawn",
        "decision_reason": "已恢复施工",
        "decided_by": _REQUESTED["requested_by"],
    },
)

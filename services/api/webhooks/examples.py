"""What the contract shows of webhook endpoints, deliveries and attempts."""

from typing import Any

from services.api.contract.shown import Example

_ID = "019bb0f1-7000-7000-8000-0000000000e1"
_EVENT_ID = "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a02"
_SECRET: dict[str, Any] = {
    "id": "019bb0f1-7000-7000-8000-0000000000f1",
    "kind": "v1",
    "public_key": None,
    "created_at": "2026-01-14T07:00:00.000000Z",
    "expires_at": None,
}
_ENDPOINT: dict[str, Any] = {
    "id": _ID,
    "url": "https://data.example.gov.cn/hooks/wufei",
    "event_types": ["submission.approved", "period.published"],
    "format": "standard",
    "signature": "v1",
    "plan": "410183-2025",
    "organization_code": None,
    "description": "市大数据局数据共享平台",
    "rate_per_minute": 600,
    "headers": {"Authorization": "…"},
    "state": "active",
    "state_reason": None,
    "failing_since": None,
    "secrets": [_SECRET],
    "owner": {
        "credential_id": "019aafc0-0000-7000-8000-0000000000b2",
        "role": "office",
        "organization_code": None,
        "plan": None,
    },
    "created_at": "2026-01-14T07:00:00.000000Z",
    "updated_at": "2026-01-14T07:00:00.000000Z",
    "allowed_actions": ["edit", "rotate-secret", "test", "replay", "disable", "delete"],
}

ENDPOINT = Example(
    "WebhookEndpoint",
    "A system that hears of approvals",
    {
        "url": "https://data.example.gov.cn/hooks/wufei",
        "event_types": ["submission.approved", "period.published"],
        "plan": "410183-2025",
        "description": "市大数据局数据共享平台",
        "rate_per_minute": 600,
        "headers": {"Authorization": "Bearer 6f1c2d"},
    },
)
ROBOT = Example(
    "WebhookRobot",
    "A robot in a group of DingTalk, for the alerts of one unit",
    {
        "url": "https://oapi.dingtalk.com/robot/send?access_token=566cc69da782ec",
        "format": "dingtalk",
        "secret": "SEC0000000000000000",
        "organization_code": "UN15",
        "event_types": ["alert.raised", "alert.escalated", "alert.resolved"],
    },
)
ENDPOINT_MADE = Example(
    "WebhookEndpointMade",
    "The endpoint, with its secret",
    {**_ENDPOINT, "secret": "whsec_" + "x" * 43 + "="},
)
ENDPOINT_OUT = Example("WebhookEndpointShown", "The endpoint, without its secret", _ENDPOINT)
ENDPOINTS = Example(
    "WebhookEndpoints", "A page of endpoints", {"items": [_ENDPOINT], "next_page_token": None}
)
EDIT = Example(
    "WebhookEndpointEdit",
    "It hears of everything, and slower",
    {"event_types": [], "rate_per_minute": 60},
)
EDITED = Example(
    "WebhookEndpointEdited",
    "The endpoint after the change",
    {
        **_ENDPOINT,
        "event_types": [],
        "rate_per_minute": 60,
        "updated_at": "2026-01-15T01:00:00.000000Z",
    },
)
ROTATION = Example(
    "WebhookRotation", "A day on which both secrets are good", {"overlap_seconds": 86400}
)
ROTATED = Example(
    "WebhookRotated",
    "The endpoint, with its new secret",
    {
        **_ENDPOINT,
        "secrets": [
            {**_SECRET, "id": "019bb0f1-7000-7000-8000-0000000000f2"},
            {**_SECRET, "expires_at": "2026-01-16T01:00:00.000000Z"},
        ],
        "updated_at": "2026-01-15T01:00:00.000000Z",
        "secret": "whsec_" + "y" * 43 + "=",
    },
)
TEST = Example("WebhookTest", "The test is on its way", {"event_id": _EVENT_ID})
_DISABLED: dict[str, Any] = {
    **_ENDPOINT,
    "state": "disabled",
    "state_reason": "manual",
    "updated_at": "2026-01-15T01:00:00.000000Z",
    "allowed_actions": ["edit", "rotate-secret", "enable", "delete"],
}
ENABLED = Example("WebhookEndpointEnabled", "The endpoint, which hears again", _ENDPOINT)
DISABLED = Example("WebhookEndpointDisabled", "The endpoint, which hears no more", _DISABLED)

_DELIVERY: dict[str, Any] = {
    "id": "019bb0f1-6b00-7c3d-9f10-2f6a55d0c001",
    "endpoint_id": _ID,
    "event_id": _EVENT_ID,
    "event_type": "submission.approved",
    "position": 17,
    "state": "pending",
    "manual": False,
    "attempts": [
        {
            "number": 1,
            "at": "2026-01-14T07:40:00.731000Z",
            "outcome": "status",
            "status_code": 503,
            "duration_ms": 84,
            "response_head": "HTTP 503\nRetry-After: 30\n\nmaintenance",
            "request_head": {
                "method": "POST",
                "url": "https://data.example.gov.cn/hooks/wufei",
                "headers": {
                    "webhook-id": _EVENT_ID,
                    "webhook-timestamp": "1768376400",
                    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
            },
        }
    ],
    "next_attempt_at": "2026-01-14T07:40:30.815000Z",
    "created_at": "2026-01-14T07:40:00.601000Z",
    "settled_at": None,
    "allowed_actions": ["retry"],
}
DELIVERIES = Example(
    "WebhookDeliveries", "A page of deliveries", {"items": [_DELIVERY], "next_page_token": None}
)
_DETAIL: dict[str, Any] = {
    **_DELIVERY,
    "body": '{"type":"submission.approved","timestamp":"2026-01-14T07:40:00.518204Z",'
    f'"data":{{"id":"{_EVENT_ID}","position":17}}}}',
}
DELIVERY = Example("WebhookDelivery", "A delivery with what is sent", _DETAIL)
RETRIED = Example(
    "WebhookDeliveryRetried",
    "The delivery, which is tried next",
    {**_DETAIL, "manual": True, "next_attempt_at": "2026-01-14T07:40:10.000000Z"},
)
REPLAY = Example(
    "WebhookReplay", "Since the receiver broke down", {"since": "2026-01-14T00:00:00Z"}
)

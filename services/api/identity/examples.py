"""What the contract shows of keys and organizations."""

from typing import Any

from services.api.contract.shown import Example

_SCOPES = [
    "alerts:read",
    "events:read",
    "milestones:read",
    "milestones:write",
    "plan:read",
    "submissions:read",
    "submissions:write",
]
_KEY: dict[str, Any] = {
    "id": "019aafc0-0000-7000-8000-0000000000a1",
    "name": "市城管局填报员",
    "role": "reporter",
    "organization_code": "UN15",
    "plan": None,
    "city_code": "410183",
    "scopes": _SCOPES,
    "prefix": "wufei_410183_2d5d73d40b",
    "created_at": "2026-01-05T01:20:44.456323Z",
    "last_used_at": None,
    "expires_at": "2026-12-31T16:00:00Z",
    "revoked_at": None,
}
KEY = Example(
    "Key",
    "A clerk's key for one unit",
    {
        "name": "市城管局填报员",
        "role": "reporter",
        "organization_code": "UN15",
        "expires_at": "2099-12-31T16:00:00Z",
    },
)
KEY_MADE = Example(
    "KeyMade",
    "The key, with its secret",
    {**_KEY, "secret": "wufei_410183_2d5d73d40b_" + "x" * 43},
)
KEY_OUT = Example("KeyShown", "The key, without its secret", _KEY)
KEYS = Example(
    "Keys", "A page of keys", {"items": [_KEY], "next_page_token": "WyJjMGFhMDQyZTg0M2YiXQ"}
)
ME = Example(
    "Me",
    "Who the caller is",
    {
        "credential_id": "019aafc0-0000-7000-8000-0000000000a1",
        "name": "市城管局填报员",
        "role": "reporter",
        "city_code": "410183",
        "organization_code": "UN15",
        "plan": None,
        "scopes": _SCOPES,
    },
)

_UNIT: dict[str, Any] = {
    "code": "UN15",
    "name": "市城管局",
    "kind": "government_department",
    "aliases": [],
    "members": [],
    "submits": True,
    "city_code": "410183",
    "administrative_code": None,
    "role": "成员单位",
    "note": "主要负责同志为领导小组成员（附件1）。",
    "ended_at": None,
}
ORGANIZATION = Example("Organization", "One organization", _UNIT)
ORGANIZATIONS = Example(
    "Organizations",
    "A page of organizations",
    {
        "items": [
            {
                **_UNIT,
                "code": "UN37",
                "name": "各街道办事处",
                "kind": "subdistrict_group",
                "aliases": ["街道办事处"],
                "members": ["410183001", "410183002", "410183003", "410183400"],
                "submits": False,
                "note": None,
            },
            _UNIT,
        ],
        "next_page_token": None,
    },
)

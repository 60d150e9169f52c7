"""What the contract shows of the numbered log."""

from services.api.contract.shown import Example

EVENTS = Example(
    "Events",
    "The events after a position",
    {
        "items": [
            {
                "id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a02",
                "position": 17,
                "type": "submission.approved",
                "timestamp": "2026-01-14T07:40:00.518204Z",
                "plan": "410183-2025",
                "subject": {
                    "kind": "submission",
                    "id": "019aafc0-0000-7000-8000-000000000000",
                },
                "actor": {
                    "kind": "api_key",
                    "id": "019aafc0-0000-7000-8000-0000000000b2",
                    "name": "领导小组办公室",
                    "role": "office",
                    "organization_code": None,
                    "channel": "api",
                    "request_id": "019bb0f1-6afc-7d52-b0a2-5f1c7f9a3e10",
                },
                "data": {
                    "indicator_code": "U08",
                    "organization_code": "UN15",
                    "period": "2025",
                    "revision": 1,
                    "version": 2,
                    "state": "approved",
                },
            }
        ],
        "last_position": 17,
        "has_more": False,
    },
)

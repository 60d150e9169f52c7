"""What the contract shows of long work."""

from typing import Any

from services.api.contract.shown import Example

_REPLAY: dict[str, Any] = {
    "id": "019bb0f1-7000-7000-8000-0000000000d1",
    "kind": "webhook-replay",
    "state": "running",
    "request": {
        "endpoint_id": "019bb0f1-7000-7000-8000-0000000000e1",
        "since": "2026-01-14T00:00:00+00:00",
    },
    "progress": {"first": 4100, "position": 6100, "last": 9200, "resent": 312},
    "result": None,
    "errors": [],
    "created_at": "2026-01-15T01:00:00.000000Z",
    "updated_at": "2026-01-15T01:00:02.125000Z",
    "allowed_actions": ["cancel"],
}
OPERATION = Example("Operation", "How far it has come", _REPLAY)
OPERATION_BEGUN = Example(
    "OperationBegun",
    "The operation, begun",
    {
        **_REPLAY,
        "state": "waiting",
        "progress": {"first": 4100, "position": 4100, "last": 9200, "resent": 0},
        "updated_at": "2026-01-15T01:00:00.000000Z",
    },
)
OPERATION_CANCELLED = Example(
    "OperationCancelled",
    "The operation, which goes no further",
    {**_REPLAY, "state": "cancelled", "allowed_actions": []},
)

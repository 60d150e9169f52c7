"""The contract's `webhooks` section: the message of each type of event, with an example."""

import re
from collections.abc import Mapping
from typing import Any

from services.api.contract.examples import EventExample, event_examples
from services.api.feed.shapes import SHAPES, schema_of
from services.core.events.catalogue import EventType

_ENVELOPE = "WebhookEnvelope"
_OF_EVERY_EVENT: Mapping[str, Any] = {
    "type": "object",
    "description": "What the data of every message begins with. More members may appear.",
    "required": ["id", "position", "plan", "subject", "actor"],
    "properties": {
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "Id of the event; the `webhook-id`, and the same in the feed",
        },
        "position": {
            "type": "integer",
            "description": "Its number in the city's log, to put messages in order by",
        },
        "plan": {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "description": "Code of the plan that it belongs to",
        },
        "subject": {
            "description": "What it happened to",
            "allOf": [{"$ref": "#/components/schemas/SubjectOut"}],
        },
        "actor": {
            "type": "object",
            "additionalProperties": True,
            "description": "Who did it: `kind`, `role`, `name`, …",
        },
    },
}
_ACTOR: Mapping[str, Any] = {
    "kind": "api_key",
    "id": "019aafc0-0000-7000-8000-0000000000b2",
    "name": "领导小组办公室",
    "role": "office",
    "organization_code": None,
    "channel": "api",
    "request_id": "019bb0f1-6afc-7d52-b0a2-5f1c7f9a3e10",
}
_EVENT_ID = "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a02"
_CITYWIDE = {"calendar", "webhook_endpoint"}
"""Kinds of subjects that belong to no plan."""

TAG = (
    "Signed deliveries of events to other systems, by Standard Webhooks 1.0. What is sent for each"
    " type of event is under `webhooks`. `webhook-signature` signs"
    " `{webhook-id}.{webhook-timestamp}.{body}`, the bytes of the body as they come, with every"
    " live secret of the endpoint, the newest first: accept any of them, and refuse a timestamp"
    " more than five minutes off. An event may come more than once, always with the same"
    " `webhook-id`, and events may come in any order: `position` in the data tells it. Answer 2xx"
    " within 15 seconds; whatever else is tried again, for three days."
)
"""Instructions for receivers."""

_HEADERS: Mapping[str, tuple[str, str, str]] = {
    "WebhookId": ("webhook-id", "Id of the event, the same on every attempt", _EVENT_ID),
    "WebhookTimestamp": ("webhook-timestamp", "Seconds since 1970 at this attempt", "1768376400"),
    "WebhookSignature": (
        "webhook-signature",
        "Signatures, separated by spaces: `v1,` (HMAC-SHA256) or `v1a,` (ed25519) and base64",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
}
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "2XX": ("WebhookReceived", "Received: it is not sent again."),
    "3XX": ("WebhookElsewhere", "A failure: no redirect is followed."),
    "410": ("WebhookGone", "Send no more: the endpoint is disabled at once."),
    "429": ("WebhookLater", "A failure; `Retry-After`, in seconds or a date, is kept to."),
    "default": ("WebhookFailed", "A failure: it is tried again later."),
}


def webhook_parameters() -> dict[str, Any]:
    """Return the headers of every message as components."""
    return {
        component: {
            "name": name,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "string"},
            "example": shown,
        }
        for component, (name, description, shown) in _HEADERS.items()
    }


def webhook_responses() -> dict[str, Any]:
    """Return the possible responses of a receiver as components."""
    return {component: {"description": meaning} for component, meaning in _ANSWERS.values()}


def webhooks() -> dict[str, Any]:
    """Return the section: one operation for each type of event, which the receiver implements."""
    return {type_: {"post": _operation(type_, event_examples()[type_])} for type_ in SHAPES}


def webhook_schemas() -> dict[str, Any]:
    """Return the components that the section refers to."""
    schemas = {_component(shape): _of_message(schema_of(shape)) for shape in SHAPES.values()}
    messages = {_message_name(type_): _message(type_) for type_ in SHAPES}
    return {_ENVELOPE: dict(_OF_EVERY_EVENT), **schemas, **messages}


def _message_name(type_: str) -> str:
    """Return the component name of a message, such as `SubmissionApprovedMessage`."""
    return "".join(part.capitalize() for part in re.split(r"[._]", type_)) + "Message"


def message_example(type_: EventType) -> dict[str, Any]:
    """Return an example message for a type of event."""
    example = event_examples()[type_]
    kind, subject_id = example.subject
    envelope = {
        "id": _EVENT_ID,
        "position": 17,
        "plan": None if kind in _CITYWIDE else "410183-2025",
        "subject": {"kind": kind, "id": subject_id},
        "actor": _ACTOR,
    }
    own = {_own_name(name): value for name, value in example.data.items()}
    return {
        "type": type_,
        "timestamp": "2026-01-14T07:40:00.518204Z",
        "data": {**envelope, **own},
    }


def _operation(type_: EventType, example: EventExample) -> dict[str, Any]:
    return {
        "operationId": f"receive_{type_.replace('.', '_')}",
        "tags": ["webhook-messages"],
        "security": [],
        "summary": example.summary,
        "description": f"{example.summary}.",
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{_message_name(type_)}"},
                    "examples": {
                        type_: {"summary": example.summary, "value": message_example(type_)}
                    },
                }
            },
        },
        "responses": {
            status: {"$ref": f"#/components/responses/{component}"}
            for status, (component, _) in _ANSWERS.items()
        },
    }


def _message(type_: EventType) -> dict[str, Any]:
    data = [_ENVELOPE, _component(SHAPES[type_])]
    return {
        "type": "object",
        "description": f"{event_examples()[type_].summary}.",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": type_, "description": "Type of the event"},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, on every attempt the same",
            },
            "data": {
                "description": "What happened",
                "allOf": [{"$ref": f"#/components/schemas/{name}"} for name in data],
            },
        },
    }


def _component(shape: type) -> str:
    return f"Webhook{shape.__name__}"


def _own_name(name: str) -> str:
    """Return an event member's name in a message: `data_…` if a common member has its name."""
    return f"data_{name}" if name in _OF_EVERY_EVENT["properties"] else name


def _of_message(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event's data in a message, with references inlined."""
    parts = schema.pop("$defs", {})
    put: dict[str, Any] = _put_in_place(schema, parts)
    return {
        **put,
        "properties": {_own_name(name): one for name, one in put["properties"].items()},
        "required": [_own_name(name) for name in put.get("required", [])],
    }


def _put_in_place(node: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_put_in_place(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return {**_put_in_place(parts[node["$ref"].split("/")[-1]], parts), **rest}
    return {name: _put_in_place(value, parts) for name, value in node.items()}

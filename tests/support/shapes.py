"""Whether events are what the contract says of their types."""

import json
from functools import cache
from typing import Any, get_args

from jsonschema import Draft202012Validator

from services.api.contract.webhooks import webhook_schemas, webhooks
from services.api.feed.schemas import SubjectOut
from services.core.events.catalogue import EventType
from services.core.kit.database import Database
from services.core.webhooks.bodies import body_of


@cache
def _section() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operations of all types and the components that they refer to."""
    return webhooks(), {**webhook_schemas(), "SubjectOut": SubjectOut.model_json_schema()}


@cache
def _checker(type_: str) -> Any:
    operations, schemas = _section()
    body = operations[type_]["post"]["requestBody"]["content"]["application/json"]
    return Draft202012Validator(
        {**body["schema"], "components": {"schemas": schemas}},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def misfits_of(message: dict[str, Any]) -> list[str]:
    """Return what is wrong with a message by the schema of its type."""
    return [
        f"{message['type']} {error.json_path}: {error.message}"
        for error in _checker(message["type"]).iter_errors(message)
    ]


async def recorded_misfits(database: Database) -> list[str]:
    """Return what is wrong with the events that were really recorded."""
    rows = await database.pool.fetch("SELECT * FROM event")
    wrong = []
    for row in rows:
        assert row["type"] in get_args(EventType), row["type"]
        body = body_of(
            event_id=row["id"],
            position=1,
            type_=row["type"],
            plan_code=row["plan_code"],
            subject=(row["subject_kind"], row["subject_id"]),
            actor=json.loads(row["actor"]),
            data=json.loads(row["data"]),
            occurred_at=row["occurred_at"],
        )
        wrong += misfits_of(json.loads(body))
    return sorted(set(wrong))

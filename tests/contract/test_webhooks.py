"""The contract's webhooks: every type of event has its message, with an example that is true."""

import json
from datetime import datetime
from typing import get_args
from uuid import UUID

import pytest

from services.api.contract.examples import event_examples
from services.api.contract.webhooks import message_example
from services.api.feed.shapes import SHAPES
from services.core.events.catalogue import EventType
from services.core.webhooks.bodies import body_of
from tests.support.contract import CONTRACT
from tests.support.shapes import misfits_of

TYPES: tuple[EventType, ...] = get_args(EventType)


def test_every_type_of_event_is_a_webhook_of_the_contract() -> None:
    assert set(CONTRACT["webhooks"]) == set(TYPES) == set(SHAPES) == set(event_examples())
    ids = [one["post"]["operationId"] for one in CONTRACT["webhooks"].values()]
    assert len(set(ids)) == len(TYPES)


@pytest.mark.parametrize("type_", TYPES)
def test_the_example_of_a_type_fits_its_schema(type_: EventType) -> None:
    media = CONTRACT["webhooks"][type_]["post"]["requestBody"]["content"]["application/json"]
    [example] = media["examples"].values()
    assert example["value"] == message_example(type_)
    assert misfits_of(example["value"]) == []


@pytest.mark.parametrize("type_", TYPES)
def test_the_example_of_a_type_is_what_would_be_sent(type_: EventType) -> None:
    told = message_example(type_)
    data = told["data"]
    body = body_of(
        event_id=UUID(data["id"]),
        position=data["position"],
        type_=type_,
        plan_code=data["plan"],
        subject=event_examples()[type_].subject,
        actor=data["actor"],
        data=event_examples()[type_].data,
        occurred_at=datetime.fromisoformat(told["timestamp"]),
    )
    assert json.loads(body) == told


@pytest.mark.parametrize("type_", TYPES)
def test_a_message_that_says_less_does_not_fit(type_: EventType) -> None:
    told = message_example(type_)
    required = SHAPES[type_].__required_keys__  # type: ignore[attr-defined] # a typed dict's
    for name in ["id", "position", "plan", "subject", "actor", *required]:
        own = f"data_{name}" if f"data_{name}" in told["data"] else name
        less = {key: value for key, value in told["data"].items() if key != own}
        assert misfits_of({**told, "data": less}), own


def test_what_is_said_of_an_event_is_described() -> None:
    schemas = CONTRACT["components"]["schemas"]
    for name in {one for one in schemas if one.startswith("Webhook")}:
        silent = [
            member
            for member, schema in schemas[name]["properties"].items()
            if "description" not in schema and "$ref" not in schema
        ]
        assert silent == [], name
        assert schemas[name].get("additionalProperties", True) is True

"""The docs page can show the contract: its viewer takes OpenAPI 3.0 only."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import schemathesis
from swagger_ui_bundle import swagger_ui_path

from services.api.contract.viewer import for_viewer
from tests.support.contract import contract_app
from tests.support.pages import carried_by, loaded_by


async def _shown() -> dict[str, Any]:
    app = httpx.ASGITransport(contract_app())
    async with httpx.AsyncClient(transport=app, base_url="http://wufei.test") as client:
        page = [await client.get("/docs?language=en") for _ in range(2)][-1]
    assert len(page.headers.get_list("X-Request-Id")) == 1
    assert all(address.startswith("/docs/assets/") for address in loaded_by(page.text))
    return carried_by(page.text)


async def test_the_page_carries_what_its_viewer_understands() -> None:
    bundle = next(swagger_ui_path.glob("swagger-ui-bundle.js")).read_text(encoding="utf-8")
    spec = await _shown()
    assert 'openapi: 3.0.n"' in bundle, "the viewer is newer: show it the contract itself"
    assert spec["openapi"] == "3.0.3"
    schemathesis.openapi.from_dict(spec).validate()


async def test_the_page_shows_every_operation_and_example() -> None:
    contract, spec = contract_app().openapi(), await _shown()
    assert spec["paths"].keys() == contract["paths"].keys()
    assert spec["components"]["examples"] == contract["components"]["examples"]
    assert spec["x-problem-codes"] == contract["x-problem-codes"]
    assert spec["x-webhooks"].keys() == contract["webhooks"].keys()
    assert "null" not in list(_types(spec["components"]["schemas"]))


async def test_no_example_of_a_parameter_is_sent_with_a_trial_and_each_is_shown() -> None:
    contract, spec = contract_app().openapi(), await _shown()
    keys = spec["components"]["parameters"]["IdempotencyKey"]
    assert list(_prefilled(contract)) != []
    assert list(_prefilled(spec)) == []
    assert contract["components"]["parameters"]["IdempotencyKey"]["example"] in keys["description"]


async def test_no_example_of_a_body_is_sent_with_a_trial_and_each_is_shown() -> None:
    contract, spec = contract_app().openapi(), await _shown()
    bodies = 0
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation:
                continue
            shown = spec["paths"][path][method]["requestBody"]
            for media_type, media in operation["requestBody"]["content"].items():
                begins_with = shown["content"][media_type]
                assert "examples" not in begins_with
                assert begins_with["example"] in ({}, "")
                for name in media["examples"]:
                    bodies += 1
                    value = contract["components"]["examples"][name]["value"]
                    assert _in_words(value) in shown["description"]
    assert bodies > 40


def _in_words(value: object) -> str:
    if isinstance(value, str):
        return value.rstrip()
    return json.dumps(value, ensure_ascii=False, indent=2)


def _prefilled(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _prefilled(one)
    elif isinstance(node, dict):
        if "in" in node and "schema" in node and {"example", "examples"} & set(node):
            yield node["name"]
        for name, one in node.items():
            if name != "value":
                yield from _prefilled(one)


async def test_the_front_page_leads_to_the_docs() -> None:
    app = httpx.ASGITransport(contract_app())
    async with httpx.AsyncClient(transport=app, base_url="http://wufei.test") as client:
        front = await client.get("/")
    assert (front.status_code, front.headers["Location"]) == (307, "docs")


def _types(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _types(one)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node["type"]
        for one in node.values():
            yield from _types(one)


def test_null_is_said_the_older_way() -> None:
    text, null, thing = {"type": "string"}, {"type": "null"}, {"$ref": "#/components/schemas/X"}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "summary": "s"},
        "schemas": {
            "a": {"anyOf": [text, null], "description": "d"},
            "b": {"anyOf": [thing, null]},
            "c": {"anyOf": [text, thing, null]},
            "d": {"anyOf": [text, thing]},
            "e": {"const": "x"},
        },
        "examples": {"f": {"value": {"anyOf": [null]}}},
    }
    assert for_viewer(document) == {
        "openapi": "3.0.3",
        "info": {"title": "t"},
        "x-webhooks": {},
        "schemas": {
            "a": {"type": "string", "nullable": True, "description": "d"},
            "b": {"allOf": [thing], "nullable": True},
            "c": {"anyOf": [text, thing], "nullable": True},
            "d": {"anyOf": [text, thing]},
            "e": {"enum": ["x"]},
        },
        "examples": {"f": {"value": {"anyOf": [null]}}},
    }

"""The contract only grows: nothing that somebody may rely on is taken away."""

import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from services.api.contract.__main__ import PATH
from tests.support.additive import breaks
from tests.support.api import ROOT
from tests.support.contract import read_contract

FILE = PATH.relative_to(ROOT).as_posix()
PRESENT = PATH.read_text(encoding="utf-8")


def _git(*arguments: str) -> str | None:
    """Return what git says; None where there is no git, or no checkout."""
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _committed_before() -> str | None:
    """Return the newest committed contract that differs from the present one."""
    commits = ["HEAD", *(_git("log", "-20", "--format=%H", "--", FILE) or "").split()]
    for commit in commits:
        text = _git("show", f"{commit}:{FILE}")
        if text is not None and text != PRESENT:
            return text
    return None


def test_the_contract_takes_nothing_away_since_it_was_last_committed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = _committed_before()
    if before is None:
        with capsys.disabled():
            print(f"\nno earlier {FILE} is at hand (no git, or its first version): not compared")  # noqa: T201
        return
    assert breaks(read_contract(before), read_contract(PRESENT)) == []


# A small contract in which every sort of break can be made. `Thing` is answered, `ThingIn` asked.
THING = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string"},
        "state": {"type": "string", "enum": ["open", "closed"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "unit": {"allOf": [{"$ref": "#/components/schemas/Unit"}]},
    },
}
THING_IN = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 50},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "size": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
        "words": {"type": "array", "items": {"type": "string"}},
    },
}
CONTRACT: dict[str, Any] = {
    "paths": {
        "/things": {
            "post": {
                "operationId": "create_thing",
                "security": [],
                "parameters": [
                    {"$ref": "#/components/parameters/Dry"},
                    {"name": "Key", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/ThingIn"}},
                        "application/yaml": {"schema": {"$ref": "#/components/schemas/ThingIn"}},
                    },
                },
                "responses": {
                    "201": {
                        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        },
                    },
                    "409": {"$ref": "#/components/responses/Conflict"},
                },
            }
        }
    },
    "components": {
        "parameters": {"Dry": {"name": "dry", "in": "query", "schema": {"type": "boolean"}}},
        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
        "responses": {
            "Conflict": {
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Unit"}}
                }
            }
        },
        "schemas": {
            "Thing": THING,
            "ThingIn": THING_IN,
            "Unit": {"type": "object", "properties": {"code": {"type": "integer"}}},
        },
    },
}


@dataclass(frozen=True)
class Parts:
    """What is changed in a contract: itself, its operation, what it answers and asks."""

    contract: Any

    @property
    def operation(self) -> Any:
        return self.contract["paths"]["/things"]["post"]

    @property
    def thing(self) -> Any:
        return self.contract["components"]["schemas"]["Thing"]

    @property
    def asked(self) -> Any:
        return self.contract["components"]["schemas"]["ThingIn"]


Change = Callable[[Parts], object]


def changed(change: Change) -> dict[str, Any]:
    """Return the contract after a change."""
    after = deepcopy(CONTRACT)
    change(Parts(after))
    return after


# fmt: off
BREAKS: dict[str, tuple[Change, str]] = {
    "path removed": (
        lambda of: of.contract["paths"].pop("/things"), "POST /things is gone"),
    "method removed": (
        lambda of: of.contract["paths"]["/things"].pop("post"), "POST /things is gone"),
    "status removed": (
        lambda of: of.operation["responses"].pop("409"), "POST /things no longer answers 409"),
    "operationId changed": (
        lambda of: of.operation.update(operationId="x"), "POST /things has another operationId"),
    "credential demanded": (
        lambda of: of.operation.update(security=[{"bearer": []}]),
        "POST /things now needs a credential"),
    "parameter removed": (
        lambda of: of.operation["parameters"].pop(), "POST /things header parameter Key is gone"),
    "parameter demanded": (
        lambda of: of.contract["components"]["parameters"]["Dry"].update(required=True),
        "POST /things query parameter dry is now required"),
    "new parameter demanded": (
        lambda of: of.operation["parameters"].append(
            {"name": "n", "in": "query", "required": True, "schema": {"type": "string"}}),
        "POST /things query parameter n is new and required"),
    "parameter's type changed": (
        lambda of: of.operation["parameters"][1]["schema"].update(type="integer"),
        "POST /things header parameter Key no longer takes string"),
    "body demanded": (
        lambda of: of.operation["requestBody"].update(required=True),
        "POST /things now requires a body"),
    "media type removed": (
        lambda of: of.operation["requestBody"]["content"].pop("application/yaml"),
        "POST /things body no longer is application/yaml"),
    "answer's media type removed": (
        lambda of: of.operation["responses"]["201"].update(content={}),
        "POST /things 201 no longer is application/json"),
    "header removed": (
        lambda of: of.operation["responses"]["201"].pop("headers"),
        "POST /things 201 no longer has the header ETag"),
    "header no longer sure": (
        lambda of: of.contract["components"]["headers"]["ETag"].update(required=False),
        "POST /things 201 header ETag may now be absent"),
    "answered member removed": (
        lambda of: of.thing["properties"].pop("note"), "Thing.note is gone"),
    "answered member no longer sure": (
        lambda of: of.thing["required"].remove("id"), "Thing.id may now be absent"),
    "answered value removed": (
        lambda of: of.thing["properties"]["state"]["enum"].remove("closed"),
        "Thing.state no longer knows closed"),
    "answered values no longer listed": (
        lambda of: of.thing["properties"]["state"].pop("enum"),
        "Thing.state no longer says which values it has"),
    "answered member may be null": (
        lambda of: of.thing["properties"].update(
            id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "Thing.id may now be null"),
    "member behind a reference removed": (
        lambda of: of.contract["components"]["schemas"]["Unit"]["properties"].pop("code"),
        "Unit.code is gone"),
    "items changed": (
        lambda of: of.thing["properties"]["parts"].update(
            items={"anyOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "null"}]}),
        "Thing.parts[] may now be null"),
    "asked member removed": (
        lambda of: of.asked["properties"].pop("size"), "ThingIn.size is gone"),
    "asked member demanded": (
        lambda of: of.asked["required"].append("kind"), "ThingIn.kind is now required"),
    "new asked member demanded": (
        lambda of: (
            of.asked["properties"].update(more={"type": "string"}),
            of.asked["required"].append("more")),
        "ThingIn.more is now required"),
    "asked values narrowed": (
        lambda of: of.asked["properties"]["kind"]["enum"].remove("b"),
        "ThingIn.kind no longer knows b"),
    "asked values listed": (
        lambda of: of.asked["properties"]["name"].update(enum=["x"]),
        "ThingIn.name now takes certain values only"),
    "asked null refused": (
        lambda of: of.asked["properties"].update(size={"type": "number", "minimum": 0}),
        "ThingIn.size no longer takes null"),
    "asked bound raised": (
        lambda of: of.asked["properties"]["size"]["anyOf"][0].update(minimum=1),
        "ThingIn.size has a higher minimum"),
    "asked bound lowered": (
        lambda of: of.asked["properties"]["name"].update(maxLength=49),
        "ThingIn.name has a lower maxLength"),
    "asked pattern set": (
        lambda of: of.asked["properties"]["name"].update(pattern="^x"),
        "ThingIn.name has another pattern"),
    "asked items narrowed": (
        lambda of: of.asked["properties"]["words"]["items"].update(type="integer"),
        "ThingIn.words[] no longer takes string"),
}
ADDITIONS: dict[str, Change] = {
    "a path": lambda of: of.contract["paths"].update({"/more": of.contract["paths"]["/things"]}),
    "a status": lambda of: of.operation["responses"].update(
        {"200": of.operation["responses"]["201"]}),
    "an optional parameter": lambda of: of.operation["parameters"].append(
        {"name": "n", "in": "query", "schema": {"type": "string"}}),
    "an answered member": lambda of: of.thing["properties"].update(more={"type": "string"}),
    "an answered value": lambda of: of.thing["properties"]["state"]["enum"].append("lost"),
    "an answered member that is sure": lambda of: of.thing["required"].append("note"),
    "an answered member never null": lambda of: of.thing["properties"].update(
        note={"type": "string"}),
    "an optional asked member": lambda of: of.asked["properties"].update(more={"type": "string"}),
    "an asked value": lambda of: of.asked["properties"]["kind"]["enum"].append("c"),
    "a wider asked type": lambda of: of.asked["properties"].update(
        name={"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    "a wider bound": lambda of: of.asked["properties"]["name"].update(maxLength=51),
    "no bound": lambda of: of.asked["properties"]["name"].pop("maxLength"),
    "an asked member no longer demanded": lambda of: of.asked["required"].clear(),
    "a shared parameter said in place": lambda of: of.operation["parameters"].__setitem__(
        0, of.contract["components"]["parameters"].pop("Dry")),
    "other words": lambda of: of.thing.update(description="Other words"),
}
# fmt: on


@pytest.mark.parametrize(("change", "told"), BREAKS.values(), ids=BREAKS.keys())
def test_what_is_taken_away_or_demanded_is_told(change: Change, told: str) -> None:
    assert breaks(CONTRACT, changed(change)) == [told]


@pytest.mark.parametrize("change", ADDITIONS.values(), ids=ADDITIONS.keys())
def test_what_is_added_breaks_nobody(change: Change) -> None:
    assert breaks(CONTRACT, changed(change)) == []


def test_several_breaks_are_all_told() -> None:
    def change(of: Parts) -> None:
        del of.operation["responses"]["409"]
        del of.thing["properties"]["id"], of.asked["properties"]["kind"]

    assert breaks(CONTRACT, changed(change)) == [
        "POST /things no longer answers 409",
        "Thing.id is gone",
        "ThingIn.kind is gone",
    ]


def test_a_contract_does_not_break_itself() -> None:
    contract = read_contract(PRESENT)
    assert breaks(contract, deepcopy(contract)) == []


def test_in_the_real_contract_a_lost_member_is_found() -> None:
    before = read_contract(PRESENT)
    after = deepcopy(before)
    del after["components"]["schemas"]["IndicatorOut"]["properties"]["baseline"]
    assert breaks(before, after) == ["IndicatorOut.baseline is gone"]

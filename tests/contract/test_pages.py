"""What pages say of operations: their filters, and which of them take the fast lane."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.api.routing import ExactRoute
from tests.support.contract import CONTRACT, contract_app, resolved

DOCS = Path(__file__).resolve().parents[2] / "docs"
INTEGRATORS = ("integrators/README.md", "integrators/README.zh-CN.md")
GATEWAYS = ("integrators/gateways.md", "integrators/gateways.zh-CN.md")

_CODE = re.compile(r"`(\w+)`")
_FILTERS = re.compile(r"^- (?:Filters: |筛选：)(.*)$", re.MULTILINE)
_MEMBERS = re.compile(r"^\| `(\w+)` \| (`.*) \|$", re.MULTILINE)


def _text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def _operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for methods in CONTRACT["paths"].values()
        for operation in methods.values()
    }


def _parameters(operation: dict[str, Any], *, old: bool) -> set[str]:
    """Return the names of an operation's parameters: those of before, or those of today."""
    said = [resolved(one) for one in operation["parameters"]]
    return {one["name"] for one in said if one.get("deprecated", False) is old}


@pytest.mark.parametrize("page", INTEGRATORS)
def test_filters_that_a_page_lists_are_those_to_write_today(page: str) -> None:
    (said,) = _FILTERS.findall(_text(page))
    listed = set(_CODE.findall(said)) - {"submission"}
    assert {"types", "plan", "subject"} < listed
    assert listed - _parameters(_operations()["read_events"], old=False) == set()


@pytest.mark.parametrize("page", GATEWAYS)
def test_no_old_name_is_listed_for_calls_of_a_gateway(page: str) -> None:
    operations = _operations()
    listed = {
        name: set(_CODE.findall(said))
        for name, said in _MEMBERS.findall(_text(page))
        if name in operations
    }
    assert len(listed) > 5
    assert any(_parameters(operations[name], old=True) for name in listed)
    assert {
        name: members & _parameters(operations[name], old=True) for name, members in listed.items()
    } == {name: set() for name in listed}


def test_the_page_of_routes_lists_those_in_the_fast_lane() -> None:
    routes = [one for one in contract_app().router.routes if isinstance(one, ExactRoute)]
    marked = {
        f"{verb} {one.path}" for one in routes if one.permission for verb in one.methods or ()
    }
    listed = re.findall(r"^\| `([A-Z]+ /v1/[^`]+)` \|", _text("api-routes.md"), re.MULTILINE)
    assert set(listed) == marked - {one for one in marked if one.startswith("HEAD ")}

"""Saying more to an operation than it reads, and seeing that it is refused."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

Asked = Mapping[str, Any]


async def ignored(
    client: httpx.AsyncClient, method: str, address: str, asked: Asked, *, reads: Mapping[str, Any]
) -> list[str]:
    """Return what an operation `reads`, asked in order otherwise, passed over in silence.

    What is added to the request may be refused as the body's own faults are, at the place where
    it stands.
    """
    passed_over = []
    for said, place, more in _more(method, asked, reads):
        answer = await client.request(method, address, **more)
        problem = answer.json() if answer.status_code == 422 else {"errors": []}
        if place not in [fault["pointer"] for fault in problem["errors"]]:
            passed_over.append(f"{said}: {answer.status_code} {answer.text[:300]}")
    return passed_over


def _more(
    method: str, asked: Asked, reads: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what is said beside what is read: in words, where a fault stands, and the request."""
    query = dict(asked["params"])
    added = {**query, "nothing_such": "1"}
    yield "an unknown parameter", "/query/nothing_such", {**asked, "params": added}
    if "validate_only" in query:
        named = {name: value for name, value in query.items() if name != "validate_only"}
        misspelt = {**named, "validate_onyl": "true"}
        yield "validate_only misspelt", "/query/validate_onyl", {**asked, "params": misspelt}
    if query:
        name = next(iter(query))
        twice = [*query.items(), (name, query[name])]
        yield "a parameter twice", f"/query/{name}", {**asked, "params": twice}
    if "requestBody" not in reads and method != "get":
        yield "a body", "/nothing_such", {**asked, "json": {"nothing_such": 1}}
    if isinstance(asked.get("json"), dict):
        more = {**asked["json"], "nothing_such": 1}
        yield "an unknown member", "/nothing_such", {**asked, "json": more}

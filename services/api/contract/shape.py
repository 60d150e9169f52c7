"""Completes an operation by its signature: whether it needs a key, takes a body, changes data."""

from inspect import cleandoc
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.api.contract.refusals import NAMES, refusals
from services.api.routing import ExactRoute
from services.api.security import Permitted
from services.core.identity.rules import Permission

Operation = dict[str, Any]

_HEADER_NAMES = {
    "idempotency-key": "Idempotency-Key",
    "if-match": "If-Match",
    "if-none-match": "If-None-Match",
}
_LOCATIONS = ["path", "query", "header"]
_MAY_BE_OWN = {"400", "401", "503"}
"""Refusals that an operation may format itself: by another standard, or as a report."""


def permission_of(route: APIRoute) -> Permission | None:
    """Return the permission that a route requires; None if any credential is enough."""
    if isinstance(route, ExactRoute) and route.permission is not None:
        return route.permission
    return _permission(route.dependant)


def _permission(dependant: Dependant) -> Permission | None:
    """Return the first permission that a dependency requires, at any depth."""
    if isinstance(dependant.call, Permitted):
        return dependant.call.permission
    found = (_permission(one) for one in dependant.dependencies)
    return next((one for one in found if one is not None), None)


def complete(operation: Operation, method: str, permission: Permission | None) -> None:
    """Complete an operation's document from its signature."""
    _describe(operation, permission)
    _parameters(operation, method)
    _responses(operation, method)


def _describe(operation: Operation, permission: Permission | None) -> None:
    text = cleandoc(operation["description"])
    operation["summary"] = text.splitlines()[0].rstrip(".")
    if "security" not in operation:
        operation["security"] = []
        operation["description"] = f"{text}\n\nPublic: no credential is needed."
        return
    if not operation["security"]:
        operation["description"] = f"{text}\n\nWhat the body holds is the credential."
        return
    if "client" in operation["security"][0]:
        operation["description"] = f"{text}\n\nThe client's id and secret are the credential."
        return
    if "bearer" not in operation["security"][0]:
        operation["description"] = f"{text}\n\nThe token in the address is the credential."
        return
    if permission is None:
        operation["description"] = f"{text}\n\nAny valid credential will do."
        return
    roles = ", ".join(f"`{role}`" for role in sorted(permission.roles))
    operation["description"] = f"{text}\n\nRoles: {roles}. Scope: `{permission.scope}`."
    operation["security"] = [{"bearer": [permission.scope]}]


def _parameters(operation: Operation, method: str) -> None:
    parameters = operation.pop("parameters", [])
    for parameter in parameters:
        parameter["name"] = _HEADER_NAMES.get(parameter["name"], parameter["name"])
        parameter["schema"] = _given(parameter["schema"])
        parameter["schema"].pop("description", None)
        examples = parameter["schema"].pop("examples", [])
        if examples:
            parameter["example"] = examples[0]
    kept = [one for one in parameters if method == "post" or one["name"] != "Idempotency-Key"]
    if kept:
        operation["parameters"] = sorted(kept, key=lambda one: _LOCATIONS.index(one["in"]))


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null, which only means that it is absent."""
    choices = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(choices) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**choices[0], **rest}


def _responses(operation: Operation, method: str) -> None:
    responses = operation["responses"]
    names = {one["name"] for one in operation.get("parameters", [])}
    for status in _implied(operation, names):
        responses.setdefault(str(status), {})
        if str(status) not in _MAY_BE_OWN or "content" not in responses[str(status)]:
            responses[str(status)] = refusals(status)[status]
    if "If-None-Match" in names:
        responses["304"] = {
            "description": "The caller has this version already.",
            "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        }
    for status, response in responses.items():
        if "$ref" in response:
            responses[status] = {"$ref": response["$ref"]}
            continue
        response.setdefault("headers", {})
        response["headers"]["X-Request-Id"] = {"$ref": "#/components/headers/XRequestId"}
        if operation["security"] and "bearer" in operation["security"][0] and status[0] in "23":
            response["headers"]["Wufei-Position"] = {"$ref": "#/components/headers/WufeiPosition"}
        if method == "post" and status.startswith("2") and "Idempotency-Key" in names:
            response["headers"]["Idempotency-Replayed"] = {
                "$ref": "#/components/headers/IdempotencyReplayed"
            }
    operation["responses"] = dict(sorted(responses.items()))


def _implied(operation: Operation, parameters: set[str]) -> list[int]:
    """Return the refusals that follow from an operation's shape."""
    implied = [400, 422]  # every route refuses unread input
    if operation["security"]:
        implied += [401, 429, 503]
    if "requestBody" in operation:
        implied += [413, 415]
    if "Idempotency-Key" in parameters:
        implied += [409, 413]
    return [status for status in implied if status in NAMES]

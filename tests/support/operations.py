"""A good request for each operation of the contract, about things that exist."""

from datetime import timedelta
from typing import Any

from services.core.kit.clock import Clock
from tests.support.api import XINMI
from tests.support.contract import BY_OTHERS, CONTRACT, GATEWAY_PATH, TOKEN_PATH, resolved
from tests.support.ground import Ground, body_of_today

OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": operation
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
}
"""The contract's operations by method and path."""

NEEDS_A_VERSION = {
    "PUT /v1/plans/{plan}/alert-rules",
    "PUT /v1/plans/{plan}/paper-texts/{kind}",
}
_LAST = ("close", "publish", "reopen_period", "cancel_period", "revoke", "delete")
_BODIES: dict[str, dict[str, object]] = {
    "POST /v1/obligations/{obligation_id}/extensions": {
        "proposed_date": f"{(Clock.true_now() + timedelta(days=90)).date()}",
        "reason": "汛期停工",
    },
    "PATCH /v1/submissions/{submission_id}": {"note": "补充说明"},
    "POST /v1/plans/{plan}/calendar-tokens": {"name": "日历", "scope": "plan"},
}
"""Where the contract's first example is about another thing than ours."""

_OF_A_UNIT = {"organization_code": "UN15"}
_QUERIES = {
    "GET /v1/plans/{plan}/form": _OF_A_UNIT,
    "GET /v1/plans/{plan}/templates/{name}.xlsx": _OF_A_UNIT,
    "GET /v1/plans/{plan}/registers/{register}/form.xlsx": {"organization_code": "UN22"},
    **{
        f"GET /v1/plans/{{plan}}/scoreboard/{end}": {"from": "0", "period": "2025"}
        for end in ("changes", "comparison")
    },
}


def takes_the_ground(label: str) -> bool:
    """Return whether an operation takes from others what they are about, and so comes last."""
    return bool(OPERATIONS[label]["operationId"].startswith(_LAST))


def _example(parameter: dict[str, Any]) -> str:
    shown = next(iter(parameter.get("examples", {}).values()), None)
    return str(resolved(shown)["value"] if shown else parameter.get("example", parameter["schema"]))


def _credential_in_address(label: str, ground: Ground) -> dict[str, str]:
    """Return what the address of a path holds that takes no key."""
    if label.endswith(".ics"):
        return {"token": ground.calendar_secret}
    return {"link": ground.evidence["link"]} if label.endswith("/evidence-content") else {}


def _body(label: str, shown: Any, ground: Ground) -> Any:
    body = _BODIES.get(label) or body_of_today(label, shown)
    if label.endswith("/items/retry"):
        return {**body, "item_ids": [ground.connectors["item"]]}
    return {**body, "key_id": ground.keys[1]} if label == "POST /v1/partners" else body


def _proved(path: str, ground: Ground) -> tuple[str, dict[str, Any]]:
    """Return a good request of a path that is asked by others' rules, or proved in the body."""
    if path == TOKEN_PATH:
        form = {"grant_type": "client_credentials", **ground.client}
        return path, {"data": form, "headers": {}}
    if path == GATEWAY_PATH:
        signed = ground.platform.signed("list_indicators", {"plan": XINMI})
        return signed.path, {"content": signed.body, "headers": dict(signed.headers)}
    return path, {"json": ground.people.proofs[path], "params": {}, "headers": {}}


def good_request(label: str, ground: Ground) -> tuple[str, str, dict[str, Any]]:
    """Return a good request: method, path, and what else is sent."""
    operation = OPERATIONS[label]
    method, path = label.split(" ", 1)
    if path in BY_OTHERS:
        return method, *_proved(path, ground)
    real = ground.named(label, operation["operationId"])
    query: dict[str, str] = dict(_QUERIES.get(label, {}))
    for parameter in map(resolved, operation["parameters"]):
        if parameter["in"] == "query" and parameter.get("required"):
            query.setdefault(parameter["name"], _example(parameter))
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", str(real.get(name) or _example(parameter)))
    query |= _credential_in_address(label, ground)
    body = None
    sent: dict[str, Any] = {"params": query, "headers": {}}
    if "requestBody" in operation:
        media_type, content = next(iter(resolved(operation["requestBody"])["content"].items()))
        shown = resolved(next(iter(content["examples"].values())))["value"]
        if media_type == "application/json":
            body = _body(label, shown, ground)
        else:
            sent |= {"content": shown.encode(), "headers": {"Content-Type": media_type}}
    if method == "PATCH" or label in NEEDS_A_VERSION:
        sent["headers"]["If-Match"] = "*"
    if body is not None:
        sent["json"] = body
    return method, path, sent

"""Builds the OpenAPI document: FastAPI's own, completed, with shared parts as components."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import yaml
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from typing_extensions import override

from services.api.contract.components import (
    COMMON_PARAMETERS,
    HEADERS,
    problem_schemas,
    refusal_responses,
)
from services.api.contract.examples import example_of
from services.api.contract.naming import name_what_is_shared
from services.api.contract.partial import forget_defaults_of_changes
from services.api.contract.plan_document import plan_document_schemas
from services.api.contract.problem_codes import problem_codes
from services.api.contract.read_by_endpoints import read_by_endpoints
from services.api.contract.schemas import brought_to_order
from services.api.contract.shape import complete, permission_of
from services.api.contract.tables import offer_tables
from services.api.contract.webhooks import TAG as RECEIVING
from services.api.contract.webhooks import (
    webhook_parameters,
    webhook_responses,
    webhook_schemas,
    webhooks,
)
from services.api.exports.answering import Export

CONTACT = {"name": "Whoever operates this installation"}

DESCRIPTION = """无废城市建设计划的台账。

The ledger of a zero-waste city: what each unit reported, who approved it, how far each target
is, and why.

- **Numbers** are exact: text on output (`"94.78"`), text or numbers on input, at most 38 digits.
- **Periods** are written `2025`, `2025-H1`, `2025-Q3`, `2025-09`; instants are RFC 3339 in UTC.
- **Unknown members** of a body are refused (422). Unknown members of an answer may appear at
  any time, and so may new event types: pass over what you do not know.
- **Refusals** are `application/problem+json` (RFC 9457) with a stable `code`; all codes are listed
  under `x-problem-codes`. They come in this order: 401; 404 and 403 as far as the body is not
  needed to tell; 400, and 422 with every fault at once; then 409, 412, 428. What lies outside a
  caller's scope is 404.
- **Writes** may be tried with `validate_only=true`. A POST may carry an `Idempotency-Key`.
- **Concurrency**: items have a strong `ETag`. PATCH and PUT need `If-Match`; the POST of a verb
  honours one.
- **Lists** answer `items` and `next_page_token`; a token fits the filters it was made for.
- **Limits**: a credential has a quota a minute of readings, of changes, and of heavy work (tables,
  forms, imports, batches), and an address one of requests for tokens. The links to files that a key
  made have one of readings together, each calendar has one of heavy work. `RateLimit-Policy` tells
  the quota (`"reads";q=30000;w=60`), `RateLimit` what is left and for how many seconds
  (`"reads";r=29140;t=42`). What is beyond, or too much at once, is 429 with `Retry-After`.
- **Tables**: every list, and a scoreboard and its changes, are CSV or XLSX too: by `Accept`, or by
  `.csv` or `.xlsx` at the end of the path. It is the whole list, however long; with `page_size` or
  `page_token` that page, and `Link` names the next. Filters, reach and refusals are those of the
  JSON. Headings are Chinese, and with `Accept-Language: en` the names of members, `target.value`
  for one that lies deeper; a list within a row is JSON in its cell. `changed_after` is for JSON.
- **HTTP**: `HEAD` is answered wherever `GET` is, without the body. An address, headers and
  trailers of more than 64 KiB in all are 431. A body may be sent with `Content-Encoding: gzip`;
  one that inflates to more than 8 MiB is 413. An answer to `GET` of 4 KiB or more is compressed
  for a request with `Accept-Encoding: gzip`: it has `Content-Encoding: gzip`, and its `ETag` is as
  good as the other. `Vary` names the request's headers that an answer depends on.
"""

TAGS: Sequence[Mapping[str, str]] = (
    {"name": "health", "description": "Whether the process lives and the system is ready. Public."},
    {"name": "identity", "description": "Who calls; keys and their scopes; the organizations."},
    {"name": "people", "description": "Users, the posts they hold, how they sign in."},
    {"name": "plans", "description": "The plan as printed, and what is decided beside it."},
    {"name": "periods", "description": "Asking for values, closing, publishing a scoreboard."},
    {"name": "submissions", "description": "Reported values and their review."},
    {"name": "imports", "description": "Prefilled sheets that go out, and files that come in."},
    {"name": "evidence", "description": "Files that something reported or promised rests upon."},
    {"name": "obligations", "description": "Who owes which value by when, and what was met."},
    {"name": "conflicts", "description": "Two versions of one value, until somebody takes one."},
    {
        "name": "observations",
        "description": "What other sources say of a figure, kept beside the official one.",
    },
    {
        "name": "registers",
        "description": "Lists that the plan describes and units keep row by row.",
    },
    {
        "name": "assessments",
        "description": "Score sheets that the plan describes, and what was found by them.",
    },
    {"name": "sync", "description": "For devices that work without a network."},
    {"name": "scores", "description": "Where the plan stands, and why."},
    {"name": "milestones", "description": "What each unit promised, by when, and how far it is."},
    {"name": "alerts", "description": "Deadlines coming up and passed, and who was told."},
    {
        "name": "agenda",
        "description": "What waits for the caller; deadlines for calendar programs.",
    },
    {
        "name": "board",
        "description": "Links that show a plan's board to whoever has their address. The pages"
        " themselves, below `/board`, are for people and no part of this contract.",
    },
    {
        "name": "papers",
        "description": "Papers that leave the office, each figure of them traced to its sources.",
    },
    {"name": "calendars", "description": "Working days: which days are worked, by which source."},
    {"name": "events", "description": "The numbered log of what happened."},
    {"name": "audit", "description": "What was done with keys and settings, and its proof."},
    {
        "name": "gateway",
        "description": "Partners whose platforms call through a gateway, what they call, and the"
        " catalogue of what is shared.",
    },
    {"name": "webhooks", "description": "Endpoints that hear of events, and their deliveries."},
    {
        "name": "connectors",
        "description": "Figures reported to a superior's platform, receipts and reconciliation.",
    },
    {"name": "webhook-messages", "description": RECEIVING},
    {"name": "operations", "description": "Long work that was started, and how far it is."},
)

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as `POST /v1/api-keys` shows it once, or an access token that"
        " `POST /v1/oauth/token` gives for one. The names listed with an operation are the scopes"
        " that it must carry.",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "For `POST /v1/oauth/token`: the id of a key and its secret.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "x-wufei-signature",
        "description": "For partners: a request signed by the profile of the partner, of which this"
        " is our own. Beside it go `x-wufei-partner`, `x-wufei-timestamp` and `x-wufei-nonce`; what"
        " is signed, and the headers of other profiles, are on the page for partners.",
    },
    "calendar_token": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "For calendar programs, which send no header: the secret in the address"
        " that `POST …/calendar-tokens` shows once.",
    },
    "evidence_link": {
        "type": "apiKey",
        "in": "query",
        "name": "link",
        "description": "For whoever has a link to the content of a file of evidence: what"
        " `POST …/link` signed, good for minutes.",
    },
}

_SHARED = {
    ("path", "plan"): "Plan",
    ("query", "page_size"): "PageSize",
    ("query", "page_token"): "PageToken",
    ("query", "validate_only"): "ValidateOnly",
    ("header", "Idempotency-Key"): "IdempotencyKey",
    ("header", "If-Match"): "IfMatch",
    ("header", "If-None-Match"): "IfNoneMatch",
}
"""Parameters that are the same wherever they occur, and the names of their components."""
_ORDER = (
    "operationId",
    "tags",
    "summary",
    "description",
    "security",
    "parameters",
    "requestBody",
    "responses",
)


def contract_of(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Return the whole contract; `routers` are those that `app` serves."""
    # FastAPI's document shares objects with the routes themselves, which must not be changed.
    document = deepcopy(
        get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=DESCRIPTION,
            routes=app.routes,
            tags=[dict(tag) for tag in TAGS],
            license_info={"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
            contact=CONTACT,
            servers=[{"url": "/", "description": "Where this document was read"}],
        )
    )
    document["components"]["securitySchemes"] = SECURITY
    forget_defaults_of_changes(document)
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in operations.values():
                operation.setdefault("security", [{"bearer": []}])
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    permissions = {route.name: permission_of(route) for route in routes}
    lists = {route.name for route in routes if Export.of(route) is not None}
    shared: dict[str, Any] = {"parameters": dict(COMMON_PARAMETERS), "examples": {}}
    common = [{"$ref": f"#/components/parameters/{name}"} for name in COMMON_PARAMETERS]
    for operations in document["paths"].values():
        for method, operation in operations.items():
            complete(operation, method, permissions.get(operation["operationId"]))
            if operation["operationId"] in lists:
                offer_tables(operation)
            _share(operation, shared)
            operation.setdefault("parameters", []).extend(common)
            operations[method] = _in_order(operation)
    document["paths"] = dict(sorted(document["paths"].items(), key=_place))
    schemas = {
        **document["components"]["schemas"],
        **problem_schemas(),
        **plan_document_schemas(),
        **read_by_endpoints(),
        **webhook_schemas(),
    }
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["webhooks"] = webhooks()
    parameters = {**shared["parameters"], **webhook_parameters()}
    document["components"] = {
        "securitySchemes": document.pop("components")["securitySchemes"],
        "parameters": dict(sorted(parameters.items())),
        "headers": dict(HEADERS),
        "responses": {**_with_request_id(refusal_responses()), **webhook_responses()},
        "examples": dict(sorted(shared["examples"].items())),
        "schemas": dict(sorted(schemas.items())),
    }
    brought_to_order(document)
    name_what_is_shared(document)
    document["x-problem-codes"] = problem_codes()
    tags = document.pop("tags")
    untitled: dict[str, Any] = _untitled(document)
    head = {name: untitled.pop(name) for name in ("openapi", "info", "servers")}
    return {**head, "tags": tags, **untitled}


def _place(path: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    """Return the sort key of a path: by tag, independent of the order of matching."""
    address, operations = path
    tag = next(iter(operations.values()))["tags"][0]
    return [one["name"] for one in TAGS].index(tag), address


def _share(operation: dict[str, Any], shared: dict[str, Any]) -> None:
    """Move an operation's examples and common parameters to the components.

    Raises:
        LookupError: no data file has an example that the operation names.
    """
    for body in (*operation["responses"].values(), operation.get("requestBody", {})):
        _show(body, shared["examples"])
    for index, parameter in enumerate(operation.get("parameters", [])):
        component = _SHARED.get((parameter["in"], parameter["name"]))
        if component is not None:
            _keep(shared["parameters"], component, parameter)
            operation["parameters"][index] = {"$ref": f"#/components/parameters/{component}"}


def _show(body: dict[str, Any], shown: dict[str, Any]) -> None:
    """Add the examples that a body names to `shown`; describe a response by its example."""
    for media in body.get("content", {}).values():
        for name in media.get("examples", {}):
            example = example_of(name)
            shown[name] = example._asdict()
            media["examples"][name] = {"$ref": f"#/components/examples/{name}"}
            if body.get("description") == name:
                body["description"] = example.summary


def _in_order(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation with its members in reading order."""
    return {name: operation[name] for name in _ORDER if name in operation}


def _keep(components: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    if components.setdefault(name, value) != value:
        raise ValueError(f"two different components are called {name}")


def _with_request_id(responses: dict[str, Any]) -> dict[str, Any]:
    for response in responses.values():
        response["headers"]["X-Request-Id"] = {"$ref": "#/components/headers/XRequestId"}
    return responses


_NAMED = {"properties", "$defs", "schemas", "examples", "example", "headers", "paths", "webhooks"}
"""Members whose own members are our names or values, possibly called `title`."""


def _untitled(node: Any, *, names: bool = False) -> Any:
    """Return the document without the titles that pydantic derives from names."""
    if isinstance(node, list):
        return [_untitled(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for name, member in node.items():
        if name in {"example", "value", "default", "x-problem-codes", "info"} and not names:
            kept[name] = member
        elif names or name != "title":
            kept[name] = _untitled(member, names=not names and name in _NAMED)
    return kept


class _Plain(yaml.SafeDumper):
    """A YAML dumper without anchors, with paragraphs as block scalars."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return the contract as the YAML that is committed."""
    return yaml.dump(
        document, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100, indent=2
    )

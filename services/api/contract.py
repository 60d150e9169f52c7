"""The contract: what every route refuses, and `contracts/openapi.yaml` made from the code.

`python -m services.api.contract write` writes the file, `check` fails when it is stale.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

PATH = Path(__file__).resolve().parents[2] / "contracts" / "openapi.yaml"

_MEANINGS: Mapping[int, str] = {
    400: "The request cannot be read: body, page token or address",
    401: "No valid credential",
    403: "The caller is not permitted to do this",
    404: "There is no such thing within the caller's scope",
    409: "The present state does not allow it; `allowed_actions` lists what it allows",
    412: "It changed since the caller read it; `current` is what it is now",
    413: "The body is too large",
    415: "The media type is not supported",
    422: "The input has faults; `errors` lists every one",
    428: "If-Match is required",
    503: "Postgres does not answer; send the request again",
}


class FaultOut(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body; `/query/…` otherwise")
    code: str = Field(description="Stable, English, kebab-case")
    detail: str
    value: Any = None


class ProblemOut(BaseModel):
    """A refusal as RFC 9457 describes it; `title` and `detail` follow `Accept-Language`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="Stable, English, kebab-case")
    errors: list[FaultOut]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route that may refuse with these statuses."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
            },
        }
        for status in sorted({*statuses, 503})
    }


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return the contract of `app`, complete with the problem type."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            servers=[{"url": "/"}],
        )
        schemas = document["components"]["schemas"]
        for model in (FaultOut, ProblemOut):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key"}
        }
        for path, operations in document["paths"].items():
            if path.startswith("/v1/"):
                for operation in operations.values():
                    operation["security"] = [{"bearer": []}]
        app.openapi_schema = document
    return app.openapi_schema


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return the contract as it is committed."""
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)


def main() -> int:
    """Write the contract, or say whether the committed one is what the code says."""
    from services.api.main import create_contract_app  # noqa: PLC0415 (main imports the routes)

    text = as_yaml(create_contract_app().openapi())
    if sys.argv[1:] == ["write"]:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("contracts/openapi.yaml is stale: run `make contract` and review the diff\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())

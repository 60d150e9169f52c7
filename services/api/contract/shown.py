"""Declares a route's examples and response headers for the contract.

A route only names its examples. Their content is in `examples.yaml` beside the route, and is
read by `contract.examples` when the contract is built, never before.
"""

from typing import Any

from pydantic import BaseModel

ETAG = "ETag"
LOCATION = "Location"
LINK = "Link"
CONTENT_LANGUAGE = "Content-Language"
VARY = "Vary"


def asking(*examples: str, required: bool = True) -> dict[str, Any]:
    """Return the OpenAPI part for a request body with these examples."""
    shown: dict[str, Any] = {name: {} for name in examples}
    content = {"application/json": {"examples": shown}}
    return {"requestBody": {"required": required, "content": content}}


def answering(
    example: str,
    *headers: str,
    status: int = 200,
    model: type[BaseModel] | None = None,
    media_type: str = "application/json",
) -> dict[int | str, dict[str, Any]]:
    """Return the response of a successful operation; give `model` if FastAPI cannot know it.

    Its description is the name of its example, until `contract.document` replaces it by the
    summary.
    """
    response: dict[str, Any] = {
        "description": example,
        "content": {media_type: {"examples": {example: {}}}},
    }
    if media_type.startswith("text/"):
        response["content"][media_type]["schema"] = {"type": "string"}
    if headers:
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in headers
        }
    if model is not None:
        response["model"] = model
    return {status: response}

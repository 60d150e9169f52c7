"""What a route shows in the contract beside its types: examples, and the headers of its answer."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

ETAG = "ETag"
LOCATION = "Location"
LINK = "Link"
CONTENT_LANGUAGE = "Content-Language"
VARY = "Vary"


@dataclass(frozen=True, slots=True)
class Example:
    """A value as it really goes over the wire; `name` is its component's."""

    name: str
    summary: str
    value: object

    @property
    def shown(self) -> dict[str, Any]:
        """Return it as a media type's `examples`, its value as JSON text.

        FastAPI leaves every null out of what it is given; `contract.document` reads the text.
        """
        text = json.dumps(self.value, ensure_ascii=False)
        return {self.name: {"summary": self.summary, "value": text}}


def asking(
    *examples: Example, media_type: str = "application/json", required: bool = True
) -> dict[str, Any]:
    """Return the part of an operation that shows what its body may be."""
    shown = {name: value for example in examples for name, value in example.shown.items()}
    return {"requestBody": {"required": required, "content": {media_type: {"examples": shown}}}}


def answering(
    example: Example,
    *headers: str,
    status: int = 200,
    model: type[BaseModel] | None = None,
    media_type: str = "application/json",
) -> dict[int | str, dict[str, Any]]:
    """Return the response of an operation that succeeds; `model` where FastAPI cannot know it."""
    response: dict[str, Any] = {
        "description": example.summary,
        "content": {media_type: {"examples": example.shown}},
    }
    if isinstance(example.value, str):
        response["content"][media_type]["schema"] = {"type": "string"}
    if headers:
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in headers
        }
    if model is not None:
        response["model"] = model
    return {status: response}

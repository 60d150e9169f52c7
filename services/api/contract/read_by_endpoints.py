"""Schemas of bodies that endpoints parse themselves, and that FastAPI therefore does not know."""

from typing import Any

from pydantic import BaseModel

from services.api.submissions.batch_schemas import BatchIn

_BODIES: tuple[type[BaseModel], ...] = (BatchIn,)


def read_by_endpoints() -> dict[str, Any]:
    """Return the schemas of such bodies and of their parts, by name."""
    found: dict[str, Any] = {}
    for body in _BODIES:
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        found |= {**schema.pop("$defs"), body.__name__: schema}
    return found

"""Who did something, as callers see it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field


class ActorOut(BaseModel):
    """Who did something."""

    kind: str = Field(description="`api_key`, `operator` or `system`")
    name: str = Field(description="The credential's or the system part's name")
    role: str | None = Field(description="In which role; null for the system itself")
    organization_code: str | None = Field(description="Of which unit; null: of none")


def actor_fields(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """Return who did something as `ActorOut` has it."""
    return {
        "kind": stamp["kind"],
        "name": stamp["name"],
        "role": stamp.get("role"),
        "organization_code": stamp.get("organization_code"),
    }

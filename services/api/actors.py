"""The author of a change, as callers see it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.people.queries import names_of


class ActorOut(BaseModel):
    """Who did something."""

    kind: str = Field(description="`api_key`, `user`, `operator` or `system`")
    name: str = Field(description="The credential's, the post's or the system part's name")
    role: str | None = Field(description="In which role; null for the system itself")
    organization_code: str | None = Field(description="Of which unit; null: of none")


def actor_fields(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """Return the author of a change as `ActorOut` has it."""
    return {
        "kind": stamp["kind"],
        "name": stamp["name"],
        "role": stamp.get("role"),
        "organization_code": stamp.get("organization_code"),
    }


async def with_names(
    session: AsyncSession, city_code: str, stamps: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return authors with users' own names, which stored history does not contain.

    Of a user who was erased only the name of the post is left.
    """
    ids = {UUID(one["id"]) for one in stamps if one.get("kind") == "user"}
    if not ids:
        return list(stamps)
    found = await names_of(session, city_code, sorted(ids))
    names = {str(person_id): name for person_id, name in found.items()}
    return [
        {**one, "name": names.get(one["id"], one["name"])} if one.get("kind") == "user" else one
        for one in stamps
    ]


async def name_actors(session: AsyncSession, city_code: str, items: list[dict[str, Any]]) -> None:
    """Put users' own names into the authors of a history's changes."""
    actors = await with_names(session, city_code, [one["actor"] for one in items])
    for item, actor in zip(items, actors, strict=True):
        item["actor"] = actor

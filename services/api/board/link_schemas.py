"""Pydantic schemas of links to the board."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.instants import Instant
from services.api.paging import PageOut
from services.core.board.models import BoardLink
from services.core.kit.said import Said, Title


class BoardLinkIn(Said):
    """A link to the leader's page of a plan."""

    name: Title = Field(description="Whom it is for, to recognise it by")
    expires_at: Instant = Field(description="Until when it is good; at most 400 days from now")


class BoardLinkOut(BaseModel):
    """A link to the board as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    name: str = Field(description="Whom it is for")
    prefix: str = Field(description="How its secret begins, to recognise it by")
    created_at: datetime = Field(description="When it was made")
    expires_at: datetime = Field(description="Until when it is good")
    revoked_at: datetime | None = Field(description="When it was revoked; null: it was not")


class BoardLinkMadeOut(BoardLinkOut):
    """A new link with its address, which is shown this once."""

    path: str | None = Field(
        description="The address for a browser, behind this service's own; null in a repeated"
        " answer, for the secret in it is never stored"
    )


class BoardLinkListOut(PageOut[BoardLinkOut]):
    """The links to a plan's board, the oldest first."""


def link_fields(link: BoardLink) -> dict[str, Any]:
    """Return the members of a link that may be shown at any time, without its secret."""
    return {
        "id": link.id,
        "plan": link.plan_code,
        "name": link.name,
        "prefix": link.prefix,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
    }

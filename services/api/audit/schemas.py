"""Pydantic schemas of the audit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.core.audit.queries import ListedEntry


class AuditActorOut(BaseModel):
    """Who did something, by which credential and in which request."""

    kind: str = Field(description="`api_key`, `user`, `operator` or `system`")
    id: str | None = Field(description="Id of the key, or of the user; null for the system itself")
    name: str = Field(
        description="The credential's or the system part's name; a user's own, or, once that was"
        " erased, the post's"
    )
    post: str | None = Field(description="Of a user the post that was acted as; else null")
    role: str | None = Field(description="In which role; null for the system itself")
    organization_code: str | None = Field(description="Of which unit; null: of none")
    channel: str | None = Field(description="`api` or `console`; null for the system itself")
    request_id: str | None = Field(description="The `X-Request-Id` of the request")


class AuditEntryOut(BaseModel):
    """What was done with a key, a setting or a file, and its place in the chain."""

    id: UUID = Field(description="Its id, for good")
    action: str = Field(description="What was done, such as `key.created`")
    subject_kind: str = Field(description="What it was done with, such as `api_key`")
    subject_id: str = Field(description="Id of what it was done with")
    actor: AuditActorOut = Field(description="Who did it")
    data: dict[str, Any] = Field(description="What else is known of it; never a secret")
    occurred_at: datetime = Field(description="When it was done")
    number: int | None = Field(
        description="Its number in the city's chain; null: it has none yet, within half a minute"
    )
    digest: str | None = Field(description="The digest of its link (SM3, hexadecimal)")


class AuditListOut(BaseModel):
    """A page of the audit."""

    items: list[AuditEntryOut] = Field(description="At most `page_size`, the newest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def _actor(stamp: Mapping[str, Any]) -> AuditActorOut:
    said = {name: stamp.get(name) for name in AuditActorOut.model_fields}
    return AuditActorOut.model_validate({**said, "name": stamp.get("name", "")})


def entry_out(listed: ListedEntry, actor: Mapping[str, Any]) -> AuditEntryOut:
    """Return an entry as callers see it, with the current name of a user as `actor`."""
    entry = listed.entry
    return AuditEntryOut(
        id=entry.id,
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        actor=_actor(actor),
        data=entry.data,
        occurred_at=entry.occurred_at,
        number=listed.number,
        digest=None if listed.digest is None else listed.digest.hex(),
    )

"""What keys and organizations look like on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.core.identity.actor import Actor
from services.core.identity.models import ApiKey, Organization
from services.core.identity.rules import Role, Scope

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
_Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class KeyIn(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "市城管局填报员", "role": "reporter", "organization_code": "UN15"}
            ]
        },
    )

    name: _Name
    role: Role
    organization_code: _Code | None = Field(
        default=None, description="Required for `reporter` and `lead`; else the whole city or plan"
    )
    plan: _Code | None = Field(default=None, description="Binds the key to one plan")
    scopes: list[Scope] | None = Field(
        default=None, max_length=20, description="Default: the role's"
    )
    expires_at: AwareDatetime | None = None
    city_code: _Code | None = Field(
        default=None, description="For the first administrator: where neither plan nor unit tells"
    )


class KeyOut(BaseModel):
    """A key as it may be shown at any time."""

    id: UUID
    name: str
    role: str
    organization_code: str | None
    plan: str | None
    city_code: str
    scopes: list[str]
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyMadeOut(KeyOut):
    """A key at its creation, with the secret that is shown this once."""

    secret: str | None = Field(
        description="Shown this once, only its hash is kept; null where the answer is repeated"
    )


class KeyListOut(BaseModel):
    """A page of keys."""

    items: list[KeyOut]
    next_page_token: str | None


class OrganizationOut(BaseModel):
    """A unit, a township-level body, or a collective name, which never submits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "UN06",
                    "name": "市邮政公司",
                    "kind": "enterprise",
                    "aliases": ["邮政公司"],
                    "members": [],
                    "submits": True,
                    "city_code": "410183",
                    "administrative_code": None,
                    "role": None,
                    "note": None,
                    "ended_at": None,
                }
            ]
        }
    )

    code: str
    name: str
    kind: str
    aliases: list[str]
    members: list[str] = Field(description="Codes of the bodies that a collective name stands for")
    submits: bool
    city_code: str
    administrative_code: str | None
    role: str | None
    note: str | None
    ended_at: datetime | None


class OrganizationListOut(BaseModel):
    """A page of organizations."""

    items: list[OrganizationOut]
    next_page_token: str | None


class MeOut(BaseModel):
    """Who the caller is."""

    credential_id: UUID
    name: str
    role: str
    city_code: str
    organization_code: str | None
    plan: str | None
    scopes: list[str]


def key_out(key: ApiKey) -> KeyOut:
    """Return a key without its secret."""
    return KeyOut(**_key_fields(key))


def key_made_out(key: ApiKey, secret: str | None) -> KeyMadeOut:
    """Return a new key with its secret."""
    return KeyMadeOut(**_key_fields(key), secret=secret)


def _key_fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "organization_code": key.organization_code,
        "plan": key.plan_code,
        "city_code": key.city_code,
        "scopes": key.scopes,
        "prefix": key.prefix,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def organization_out(unit: Organization) -> OrganizationOut:
    """Return an organization."""
    return OrganizationOut(
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        aliases=unit.aliases,
        members=unit.members,
        submits=unit.submits,
        city_code=unit.city_code,
        administrative_code=unit.administrative_code,
        role=unit.role,
        note=unit.note,
        ended_at=unit.ended_at,
    )


def me_out(actor: Actor) -> MeOut:
    """Return what a caller may know of itself."""
    return MeOut(
        credential_id=actor.credential_id,
        name=actor.name,
        role=actor.role,
        city_code=actor.city_code,
        organization_code=actor.organization_code,
        plan=actor.plan_code,
        scopes=sorted(actor.scopes),
    )

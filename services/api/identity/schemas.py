"""Pydantic schemas of keys and organizations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.api.contract.choices import one_of
from services.api.instants import Instant
from services.core.identity.actor import Actor
from services.core.identity.models import ApiKey, FormerSecret, Organization
from services.core.identity.networks import MOST_NETWORKS, read_network
from services.core.identity.rules import ROLES, SCOPES, Role, Scope
from services.core.kit.said import CodeIn, Said, Title
from services.core.kit.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP
from services.core.people.models import Person, SignIn

_Role = Annotated[str, one_of(ROLES)]
_Scope = Annotated[str, one_of(SCOPES)]


def _network(written: str) -> str:
    try:
        return str(read_network(written))
    except ValueError as error:
        raise PydanticCustomError(
            "network",
            "Must be a network of IPv4 or IPv6, such as {such}",
            {"such": str(error), "zh": f"应为 IPv4 或 IPv6 网段，如 {error}"},
        ) from None


Networks = Annotated[
    list[Annotated[str, StringConstraints(max_length=60), AfterValidator(_network)]],
    Field(max_length=MOST_NETWORKS),
]
"""Networks in requests: CIDR blocks, or single addresses."""

_NETWORKS = (
    "Networks that it may be used from, such as `10.20.0.0/16`, or single addresses; empty: all"
)


class KeyIn(Said):
    """A key to be made."""

    name: Title = Field(description="Whose key it is, for people: an office or a system")
    role: Role = Field(description="What it may do at most")
    organization_code: CodeIn | None = Field(
        default=None, description="Required for `reporter` and `lead`; else the whole city or plan"
    )
    plan: CodeIn | None = Field(default=None, description="Binds the key to one plan")
    scopes: list[Scope] | None = Field(
        default=None, max_length=20, description="Default: the role's"
    )
    expires_at: Instant | None = Field(default=None, description="Default: it does not expire")
    city_code: CodeIn | None = Field(
        default=None, description="For the first administrator: where neither plan nor unit tells"
    )
    allowed_networks: Networks = Field(default=[], description=_NETWORKS)


class KeyPatch(Said):
    """What may change of a key. Of `expires_at` null takes the end away."""

    name: Title = Field(default="", description="Whose key it is, for people")
    expires_at: Instant | None = Field(default=None, description="When it stops working by itself")
    allowed_networks: Networks = Field(default=[], description=_NETWORKS)


class KeyRotationIn(Said):
    """How long the older secrets go on."""

    overlap_seconds: Annotated[int, Field(strict=True)] = Field(
        default=int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=int(LONGEST_OVERLAP.total_seconds()),
        description="For so long the older ones are good too; 0 ends them all now",
    )


class FormerSecretOut(BaseModel):
    """A secret that another has replaced and that is still good."""

    prefix: str = Field(description="How it begins")
    expires_at: datetime = Field(description="Until when it is good")


class KeyOut(BaseModel):
    """A key as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    name: str = Field(description="Whose key it is")
    role: _Role = Field(description="What it may do at most")
    organization_code: str | None = Field(
        description="The organization it is bound to; null: the whole city or plan"
    )
    plan: str | None = Field(description="The plan it is bound to; null: every plan of the city")
    city_code: str = Field(description="Code of its city")
    scopes: list[_Scope] = Field(description="What it opens within its role")
    prefix: str = Field(description="How its secret begins, to recognize it by")
    created_at: datetime = Field(description="When it was made")
    last_used_at: datetime | None = Field(description="When it was last used, to half a minute")
    last_used_network: str | None = Field(
        description="From which network then: a /24 of IPv4 or a /64 of IPv6"
    )
    expires_at: datetime | None = Field(description="When it stops working by itself")
    revoked_at: datetime | None = Field(description="When it was revoked")
    allowed_networks: list[str] = Field(description=_NETWORKS)
    former_secrets: list[FormerSecretOut] = Field(
        description="Those that were replaced and are still good, the one that lasts longest first"
    )


class KeyMadeOut(KeyOut):
    """A key at its creation, with the secret that is shown this once."""

    secret: str | None = Field(
        description="Shown this once, only its hash is kept; null where the answer is repeated"
    )


class KeyListOut(BaseModel):
    """A page of keys."""

    items: list[KeyOut] = Field(description="At most `page_size`, by city and age")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class OrganizationOut(BaseModel):
    """A unit, a township-level body, or a collective name, which never submits."""

    code: str = Field(description="Its code within the city, such as `UN15` or `410183107`")
    name: str = Field(description="Its name")
    kind: str = Field(description="What it is, such as `government_department` or `township`")
    aliases: list[str] = Field(description="Other names that the plan gives it")
    members: list[str] = Field(description="Codes of the bodies that a collective name stands for")
    submits: bool = Field(description="Whether values can be reported for it")
    city_code: str = Field(description="Code of its city")
    administrative_code: str | None = Field(description="Division code (GB/T 2260, GB/T 10114)")
    role: str | None = Field(description="Its part in the leading group, as printed")
    note: str | None = Field(description="What else should be known")
    ended_at: datetime | None = Field(description="Since when the plan names it no more")


class OrganizationListOut(BaseModel):
    """A page of organizations."""

    items: list[OrganizationOut] = Field(description="At most `page_size`, by city and code")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ReusedOut(BaseModel):
    """A session that ended because a refresh token of it came twice."""

    session_id: UUID = Field(description="Id of the session")
    device: str | None = Field(description="What the device was called")
    ended_at: datetime = Field(description="When the token came a second time")


class MyUserOut(BaseModel):
    """The user who is signed in."""

    id: UUID = Field(description="Id of the user")
    username: str | None = Field(description="What they sign in by")
    name: str | None = Field(description="What they are called at work")
    session_id: UUID = Field(description="Id of the session")
    second_factor: bool = Field(description="Whether a code is needed beside the password")
    recovery_codes_left: int = Field(description="How many recovery codes are not used yet")
    tokens_reused: list[ReusedOut] = Field(
        description="Sessions of the last 30 days of which somebody else had a refresh token:"
        " change the password, and look at `GET /v1/sessions`; empty: none"
    )


class MeOut(BaseModel):
    """Who the caller is."""

    credential_id: UUID = Field(
        description="Id of the key that was presented; of a user, of their time in the post"
    )
    name: str = Field(description="Whose key it is; of a user, the name of the post")
    role: _Role = Field(description="What it may do at most")
    city_code: str = Field(description="Code of its city")
    organization_code: str | None = Field(description="The organization it is bound to")
    plan: str | None = Field(description="The plan it is bound to; null: every plan of the city")
    scopes: list[_Scope] = Field(description="What it opens within its role")
    user: MyUserOut | None = Field(description="Who is signed in; null: a key, or its token")


def key_out(key: ApiKey, former: Sequence[FormerSecret] = ()) -> KeyOut:
    """Return a key without its secret; `former` are earlier secrets that are still valid."""
    return KeyOut(**_key_fields(key, former))


def key_made_out(
    key: ApiKey, secret: str | None, former: Sequence[FormerSecret] = ()
) -> KeyMadeOut:
    """Return a key with its new secret."""
    return KeyMadeOut(**_key_fields(key, former), secret=secret)


def _key_fields(key: ApiKey, former: Sequence[FormerSecret]) -> dict[str, Any]:
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
        "last_used_network": key.last_used_from,
        "allowed_networks": key.allowed_networks,
        "former_secrets": [
            FormerSecretOut(prefix=one.prefix, expires_at=one.expires_at) for one in former
        ],
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


def my_user_out(person: Person, session_id: UUID, reused: Sequence[SignIn]) -> MyUserOut:
    """Return the data that a user may see about itself."""
    return MyUserOut(
        id=person.id,
        username=person.username,
        name=person.name,
        session_id=session_id,
        second_factor=person.totp_sealed is not None,
        recovery_codes_left=len(person.recovery_digests),
        tokens_reused=[
            ReusedOut(session_id=one.id, device=one.device_name, ended_at=one.ended_at)
            for one in reused
            if one.ended_at is not None
        ],
    )


def me_out(actor: Actor, user: MyUserOut | None = None) -> MeOut:
    """Return the data that a caller may see about itself."""
    return MeOut(
        credential_id=actor.credential_id,
        name=actor.name,
        role=actor.role,
        city_code=actor.city_code,
        organization_code=actor.organization_code,
        plan=actor.plan_code,
        scopes=sorted(actor.scopes),
        user=user,
    )

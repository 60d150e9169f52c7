"""Pydantic schemas of partners."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.gateways.facade import OPERATIONS
from services.api.identity.schemas import Networks
from services.core.gateways.models import Partner, PartnerSecret
from services.core.gateways.profiles import ProfileName
from services.core.gateways.queries import InterfaceUse
from services.core.gateways.use import p95_ms
from services.core.kit.forms import form
from services.core.kit.said import CodeIn, Said, Title
from services.core.kit.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP

_PER_MINUTE = 600
_PER_DAY = 50_000
_MOST_PER_MINUTE = 60_000
_MOST_PER_DAY = 10_000_000
_HUNDREDTHS = Decimal("0.0001")

_Interfaces = Annotated[list[CodeIn], Field(min_length=1, max_length=len(OPERATIONS))]
_Member = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9_]{0,59}$",
        "应为应答中的字段名，如 indicator_code",
        "Must be the name of a member of an answer, such as indicator_code",
    ),
]
_Fields = Annotated[list[_Member], Field(max_length=200)]
_PerMinute = Annotated[int, Field(strict=True, ge=1, le=_MOST_PER_MINUTE)]
_PerDay = Annotated[int, Field(strict=True, ge=1, le=_MOST_PER_DAY)]

_SmPoint = Annotated[
    str,
    form(
        "^04[0-9a-f]{128}$",
        "应为未压缩的 SM2 公钥：04 加 128 个小写十六进制数字",
        "Must be an uncompressed public key of SM2: 04 and 128 small hexadecimal digits",
    ),
]

_SM_KEY = "For `tif-sm`: the partner's public key of SM2, uncompressed, in hexadecimal digits"
_INTERFACES = "Operations that it may call, by their names in this contract"
_NETWORKS = (
    "Networks that it may call from, such as `10.20.0.0/16`; required where its profile does not"
    " sign all of a request. Empty: all"
)
_FIELDS = (
    "Members that it is answered, of a row or an item, beside what became of rows that it wrote"
    " itself; empty: all of them"
)


class PartnerIn(Said):
    """A partner to be made."""

    name: Title = Field(description="Whose platform it is, for people")
    profile: ProfileName = Field(description="How its gateway signs")
    key_id: UUID = Field(
        description="Key that it acts as, of role `integrator` or `superior`: rights, reach,"
        " networks and end of that hold for it"
    )
    allowed_networks: Networks = Field(default=[], description=_NETWORKS)
    interfaces: _Interfaces = Field(description=_INTERFACES)
    output_fields: _Fields = Field(default=[], description=_FIELDS)
    sm_public_key: _SmPoint | None = Field(default=None, description=_SM_KEY)
    per_minute: _PerMinute = Field(default=_PER_MINUTE, description="Most calls in a minute")
    per_day: _PerDay = Field(default=_PER_DAY, description="Most calls in 24 hours")


class PartnerPatch(Said):
    """What may change of a partner."""

    name: Title = Field(default="", description="Whose platform it is, for people")
    allowed_networks: Networks = Field(default=[], description=_NETWORKS)
    interfaces: _Interfaces = Field(default=[], description=_INTERFACES)
    output_fields: _Fields = Field(default=[], description=_FIELDS)
    sm_public_key: _SmPoint = Field(default="", description=_SM_KEY)
    per_minute: _PerMinute = Field(default=_PER_MINUTE, description="Most calls in a minute")
    per_day: _PerDay = Field(default=_PER_DAY, description="Most calls in 24 hours")


class PartnerRotationIn(Said):
    """How long the secret before the new one goes on."""

    overlap_seconds: Annotated[int, Field(strict=True)] = Field(
        default=int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=int(LONGEST_OVERLAP.total_seconds()),
        description="For so long the one before is good too; 0 ends it now",
    )


class PartnerOut(BaseModel):
    """A partner as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    app_id: str = Field(description="What its requests call it")
    name: str = Field(description="Whose platform it is")
    profile: Annotated[str, one_of(get_args(ProfileName))] = Field(
        description="How its gateway signs"
    )
    key_id: UUID = Field(description="Key that it acts as")
    city_code: str = Field(description="Code of its city")
    allowed_networks: list[str] = Field(description="Networks that it may call from; empty: all")
    interfaces: list[str] = Field(description=_INTERFACES)
    output_fields: list[str] = Field(description=_FIELDS)
    sm_public_key: str | None = Field(description=_SM_KEY)
    own_sm_public_key: str | None = Field(
        description="For `tif-sm`: our public key, which our answers are verified by; null: none"
    )
    per_minute: int = Field(description="Most calls in a minute")
    per_day: int = Field(description="Most calls in 24 hours")
    created_at: datetime = Field(description="When it was made")
    revoked_at: datetime | None = Field(description="Since when it calls no more; null: it may")
    former_secret_expires_at: datetime | None = Field(
        description="Until when the secret before the present one is good; null: there is none"
    )
    last_call_at: datetime | None = Field(description="When it last called, to half a minute")
    calls: int = Field(description="How often it has called, to half a minute")
    fault_rate: str | None = Field(
        description="How many of those came to a refusal, of 1, to four places; null: none yet"
    )


class PartnerMadeOut(PartnerOut):
    """A partner with its new secret."""

    secret: str | None = Field(
        description="The secret, in this answer only; null where the answer is repeated"
    )


class PartnerListOut(BaseModel):
    """A page of partners."""

    items: list[PartnerOut] = Field(description="At most `page_size`, by city and age")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class InterfaceUseOut(BaseModel):
    """How a partner called one operation."""

    interface: str = Field(description="The operation")
    calls: int = Field(description="How often")
    faults: int = Field(description="How many of those came to a refusal")
    fault_rate: str | None = Field(description="As a part of 1, to four places")
    bytes_in: int = Field(description="Bytes of bodies that came")
    bytes_out: int = Field(description="Bytes of answers that went")
    p95_ms: int | None = Field(
        description="Bound in ms that 95 of 100 calls stayed within; null: they took over 10 s"
    )
    last_call_at: datetime = Field(description="When it was last called")


class PartnerUseOut(BaseModel):
    """How a partner called over some days."""

    first_day: date = Field(description="The first day, of UTC")
    last_day: date = Field(description="The last day")
    items: list[InterfaceUseOut] = Field(description="By operation, in the order of their names")
    next_page_token: str | None = Field(description="Always null: there are few operations")


def fault_rate(calls: int, faults: int) -> str | None:
    """Return the share of faults among calls, from 0 to 1, to four places; None: no calls."""
    return None if not calls else f"{(Decimal(faults) / Decimal(calls)).quantize(_HUNDREDTHS)}"


def partner_fields(partner: Partner, secrets: Sequence[PartnerSecret]) -> dict[str, Any]:
    """Return the members of a partner that may be shown, as `PartnerOut` has them."""
    former = [one.expires_at for one in secrets if one.expires_at is not None]
    return {
        "id": partner.id,
        "app_id": partner.app_id,
        "name": partner.name,
        "profile": partner.profile,
        "key_id": partner.key_id,
        "city_code": partner.city_code,
        "allowed_networks": partner.allowed_networks,
        "interfaces": partner.interfaces,
        "output_fields": partner.output_fields,
        "sm_public_key": partner.sm_public_key,
        "own_sm_public_key": partner.own_sm_public_key,
        "per_minute": partner.per_minute,
        "per_day": partner.per_day,
        "created_at": partner.created_at,
        "revoked_at": partner.revoked_at,
        "former_secret_expires_at": max(former, default=None),
        "last_call_at": partner.last_call_at,
        "calls": partner.calls,
        "fault_rate": fault_rate(partner.calls, partner.faults),
    }


def use_out(use: InterfaceUse) -> InterfaceUseOut:
    """Return an operation's use."""
    return InterfaceUseOut(
        interface=use.interface,
        calls=use.calls,
        faults=use.faults,
        fault_rate=fault_rate(use.calls, use.faults),
        bytes_in=use.bytes_in,
        bytes_out=use.bytes_out,
        p95_ms=p95_ms(use.times),
        last_call_at=use.last_call_at,
    )

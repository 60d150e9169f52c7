"""Pydantic schemas of sign-in providers. Their secrets are accepted and never returned."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.api.contract.choices import one_of
from services.core.kit.forms import form
from services.core.kit.said import CodeIn, Line, Said, Title
from services.core.people.models import Provider
from services.core.people.provider_families import FAMILIES, FamilyName

_Secret = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Base64 = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Code = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9-]{1,29}$",
        "应为 2 至 30 个小写字母、数字或连字符，以字母开头",
        "Must be 2 to 30 lower-case letters, digits or hyphens, beginning with a letter",
    ),
]
_Address = Annotated[
    Line,
    form(
        r"^https?://[^?#]*$",
        "应为接口域名的地址，不含 ? 与 #",
        "Must be the address of its interfaces, without ? and #",
    ),
]

_NAME = "What it is called, for people"
_BASE_URL = (
    "Address of its interfaces, such as `https://openplatform.example.gov.cn`; https, or http"
    " within the intranet that the deployment allows"
)
_APP_ID = "What it knows us by: appkey, corpid or appId"
_MODULE = "For `zhb`: the module that it has given us"
_SECRET = "What we prove ourselves with: appsecret, corpsecret or secretKey; sealed, never shown"  # noqa: S105 (a description)
_CIPHER_KEY = "For `zhb`: the AES key, base64 of 16, 24 or 32 bytes; sealed, never shown"
_CIPHER_IV = "For `zhb`: what AES begins with, base64 of 16 bytes; sealed, never shown"


class ProviderIn(Said):
    """A provider to be set up."""

    code: _Code = Field(description="What clients call it; no two that have not ended share one")
    name: Title = Field(description=_NAME)
    family: FamilyName = Field(
        description="`zzd`: government DingTalk and its kind; `wecom`: WeCom and its kind; `zhb`"
    )
    base_url: _Address = Field(description=_BASE_URL)
    app_id: Title = Field(description=_APP_ID)
    module_id: CodeIn | None = Field(default=None, description=_MODULE)
    secret: _Secret = Field(description=_SECRET)
    cipher_key: _Base64 | None = Field(default=None, description=_CIPHER_KEY)
    cipher_iv: _Base64 | None = Field(default=None, description=_CIPHER_IV)


class ProviderPatch(Said):
    """What may change of a provider."""

    name: Title = Field(default="", description=_NAME)
    base_url: _Address = Field(default="", description=_BASE_URL)
    app_id: Title = Field(default="", description=_APP_ID)
    module_id: CodeIn = Field(default="", description=_MODULE)
    secret: _Secret = Field(default="", description=_SECRET)
    cipher_key: _Base64 = Field(default="", description=_CIPHER_KEY)
    cipher_iv: _Base64 = Field(default="", description=_CIPHER_IV)


class ProviderOut(BaseModel):
    """A provider, without its secrets."""

    id: UUID = Field(description="Its id, for good")
    code: str = Field(description="What clients call it")
    name: str = Field(description=_NAME)
    family: Annotated[str, one_of(list(FAMILIES))] = Field(description="How it is asked")
    base_url: str = Field(description="Address of its interfaces")
    app_id: str = Field(description=_APP_ID)
    module_id: str | None = Field(description=_MODULE)
    created_at: datetime = Field(description="When it was set up")
    ended_at: datetime | None = Field(
        description="Since when nobody signs in by it; null: people may"
    )


class ProviderListOut(BaseModel):
    """A page of providers."""

    items: list[ProviderOut] = Field(description="At most `page_size`, the oldest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def provider_out(provider: Provider) -> ProviderOut:
    """Return a provider without its secret."""
    return ProviderOut(**provider_fields(provider))


def provider_fields(provider: Provider) -> dict[str, Any]:
    """Return the members of a provider."""
    return {
        "id": provider.id,
        "code": provider.code,
        "name": provider.name,
        "family": provider.family,
        "base_url": provider.base_url,
        "app_id": provider.app_id,
        "module_id": provider.module_id,
        "created_at": provider.created_at,
        "ended_at": provider.ended_at,
    }

"""Pydantic schemas of signing in, and sessions,."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.api.contract.choices import one_of
from services.core.kit.errors import InvalidInput
from services.core.kit.said import CodeIn, Said, Title
from services.core.people.admitting import AccountProof, PersonsProof
from services.core.people.devices import LONGEST_PROOF, device_key_faults
from services.core.people.models import SignIn
from services.core.people.passwords import LONGEST
from services.core.people.provider_calls import SentCode
from services.core.people.provider_families import CodeSource
from services.core.people.sessions import Because, Device, Opened
from services.core.people.signing_in import LONGEST_SECRET

_Password = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
_Secret = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SECRET)]
_Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
_REASONS = get_args(Because)


class ProofIn(Said):
    """Who somebody is, and what proves it."""

    city_code: CodeIn | None = Field(
        default=None, description="Code of the city; needed where there are several"
    )
    username: CodeIn = Field(description="What they sign in by; in any case of its letters")
    password: _Password = Field(description="The password")
    code: _Code | None = Field(
        default=None,
        description="A code of the second factor, six digits; or a recovery code, good once",
    )

    def proof(self, network: str | None) -> PersonsProof:
        """Return the proof of identity, with the caller's network."""
        return PersonsProof(self.city_code, self.username, self.password, self.code, network)


class DeviceKeyIn(Said):
    """The public key of a device (RFC 7517), whose other half never leaves it."""

    kty: CodeIn = Field(description="Always `EC`")
    crv: CodeIn = Field(description="Always `P-256`")
    x: CodeIn = Field(description="A point on the curve, first half; in base64url")
    y: CodeIn = Field(description="Second half")


class DeviceIn(Said):
    """The device that somebody signs in from."""

    name: Title | None = Field(default=None, description="To recognise the session by")
    public_key: DeviceKeyIn | None = Field(
        default=None,
        description="Binds the session to the device: it goes on while it is offline, for as long"
        " as the administrator has set, and is refreshed by a proof of this key alone",
    )

    def device(self) -> Device:
        """Return the device.

        Raises:
            InvalidInput: its key is not a P-256 key.
        """
        key = None if self.public_key is None else self.public_key.model_dump()
        faults = [] if key is None else device_key_faults(key, "/device/public_key")
        if faults:
            raise InvalidInput(faults=faults)
        return Device(self.name, key)


class SignInIn(ProofIn):
    """A session to be begun."""

    post_id: UUID | None = Field(
        default=None, description="The post to act as; needed where several are held"
    )
    device: DeviceIn | None = Field(default=None, description="The device, if it should be known")


class AppCodeIn(Said):
    """A code of a government app, which says whose account it is."""

    provider: CodeIn = Field(description="Code of the provider, as the city has set it up")
    auth_code: _Secret = Field(description="What the app gave; good once")
    source: CodeSource = Field(
        default="app", description="Where it comes from: `app` itself, or its `scan` of a picture"
    )

    @property
    def sent(self) -> SentCode:
        """The code as it is exchanged."""
        return SentCode(self.auth_code, self.source)


class ProviderSignInIn(AppCodeIn):
    """A session to be begun by a government app."""

    city_code: CodeIn | None = Field(
        default=None, description="Code of the city; needed where there are several"
    )
    code: _Code | None = Field(
        default=None,
        description="A code of the second factor, six digits; or a recovery code, good once",
    )
    post_id: UUID | None = Field(
        default=None, description="The post to act as; needed where several are held"
    )
    device: DeviceIn | None = Field(default=None, description="The device, if it should be known")

    def proof(self, network: str | None) -> AccountProof:
        """Return the proof of identity, with the caller's network."""
        return AccountProof(self.city_code, self.provider, self.sent, self.code, network)


class LinkIn(ProofIn, AppCodeIn):
    """An account to be linked to whoever proves who they are."""


class PasswordIn(ProofIn):
    """Another password."""

    new_password: _Password = Field(
        description="Twelve characters at least; none of the well-known ones, nothing of the"
        " user's names, none of the last five"
    )


class InvitationIn(Said):
    """An invitation, and the password to begin with."""

    invitation: _Secret = Field(description="What the security administrator handed out")
    new_password: _Password = Field(description="As when a password is changed")


class RefreshIn(Said):
    """A session to go on with."""

    refresh_token: _Secret = Field(description="The latest one of the session; good once")
    device_proof: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PROOF)] | None
    ) = Field(
        default=None,
        description="Where the session is bound to a device: a compact JWS (RFC 7515, ES256) by its"
        " key, whose payload is the refresh token itself",
    )


class SessionOpenedOut(BaseModel):
    """A session, with the tokens that it goes on by; both are shown this once."""

    access_token: str = Field(description="Sent as `Authorization: Bearer …`")
    token_type: str = Field(description="Always `Bearer`")
    expires_in: int = Field(description="Seconds until the access token ends")
    refresh_token: str = Field(description="For `POST /v1/token/refresh`, once")
    refresh_until: datetime = Field(description="Until when it is good")
    session_id: UUID = Field(description="Id of the session")
    session_until: datetime = Field(description="When the session ends, whatever happens")
    device_bound: bool = Field(description="Whether refreshing takes a proof of the device's key")
    user_id: UUID = Field(description="Id of the user")
    post_id: UUID = Field(description="The post that the user acts as")
    post: str = Field(description="What it is called")
    role: str = Field(description="What it may do")
    organization_code: str | None = Field(description="Of which unit; null: of none")


class InvitationAcceptedOut(BaseModel):
    """Whose password is set."""

    user_id: UUID = Field(description="Id of the user")
    username: str = Field(description="What they sign in by")


class SecondFactorOut(BaseModel):
    """A second factor, shown this once; its first code at a sign-in makes it count."""

    secret: str = Field(description="In base32, to be typed into an authenticator (RFC 6238)")
    address: str = Field(description="The same as `otpauth://…`, for a picture to be read")
    recovery_codes: list[str] = Field(
        description="Ten codes for when the authenticator is lost, good once each"
    )


class SessionOut(BaseModel):
    """A session as it may be shown at any time."""

    id: UUID = Field(description="Its id")
    user_id: UUID = Field(description="Whose it is")
    current: bool = Field(description="Whether it is the caller's present one")
    device: str | None = Field(description="What the device was called")
    device_bound: bool = Field(description="Whether it is bound to the device's key")
    provider: str | None = Field(
        description="Code of the provider that said who came; null: name and password did"
    )
    network: str | None = Field(
        description="From which network it was begun: a /24 of IPv4 or a /64 of IPv6"
    )
    started_at: datetime = Field(description="When it was begun")
    refreshed_at: datetime = Field(description="When it was heard of last")
    refresh_until: datetime = Field(description="Until when it has to be heard of again")
    ends_at: datetime = Field(description="When it ends, whatever happens")
    ended_at: datetime | None = Field(description="When it was ended")
    ended_because: Annotated[str, one_of(_REASONS)] | None = Field(
        description="`reused`: a refresh token was used twice, and so was in the hands of two"
    )


class SessionListOut(BaseModel):
    """A page of sessions."""

    items: list[SessionOut] = Field(description="At most `page_size`, the newest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def opened_out(opened: Opened, access_token: str, seconds: int) -> SessionOpenedOut:
    """Return a session with its tokens."""
    sign_in, post = opened.sign_in, opened.held.post
    return SessionOpenedOut(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106 (no password)
        expires_in=seconds,
        refresh_token=opened.refresh_token,
        refresh_until=sign_in.idle_until,
        session_id=sign_in.id,
        session_until=sign_in.ends_at,
        device_bound=sign_in.device_key is not None,
        user_id=sign_in.person_id,
        post_id=post.id,
        post=post.title,
        role=post.role,
        organization_code=post.organization_code,
    )


def session_out(one: SignIn, current: UUID | None) -> SessionOut:
    """Return a session; `current` is the caller's own session."""
    return SessionOut(**session_fields(one, current))


def session_fields(one: SignIn, current: UUID | None) -> dict[str, Any]:
    """Return the members of a session."""
    return {
        "id": one.id,
        "user_id": one.person_id,
        "current": one.id == current,
        "device": one.device_name,
        "device_bound": one.device_key is not None,
        "provider": one.provider,
        "network": one.network,
        "started_at": one.started_at,
        "refreshed_at": one.refreshed_at,
        "refresh_until": one.idle_until,
        "ends_at": one.ends_at,
        "ended_at": one.ended_at,
        "ended_because": one.ended_because,
    }


def sessions_out(
    page: Sequence[SignIn], current: UUID | None, following: str | None
) -> SessionListOut:
    """Return a page of sessions."""
    return SessionListOut(
        items=[session_out(one, current) for one in page], next_page_token=following
    )

"""Access tokens: JWTs (RFC 7519) in the profile of RFC 9068, made and read. Pure.

A token names the key that it was obtained with, and which of the key's secrets; the caller checks
that both are still good. The signing key is looked up among known keys by its `kid` alone: other
key members of a header (`jwk`, `jku`, `x5c`, `x5u`) are never read.
"""

import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.util import urlsafe_b64decode

from services.core.identity.rules import SCOPES, Scope

ALGORITHM = "ES256"
Audience = Literal["urn:wufei:api", "urn:wufei:board"]
API, BOARD = get_args(Audience)
"""The audiences of our tokens: this API, whatever it is called, or its board, in a cookie."""

LONGEST_TOKEN = 8192
"""Most characters of a token; longer ones are refused unread."""

_PARTS = 3
_TYPES = frozenset({"at+jwt", "application/at+jwt"})


class BadToken(Exception):
    """The token is not ours, or no longer valid; a caller is never told which."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of a token: the city, key and secret it was obtained with, scopes, lifetime."""

    issuer: str
    audience: Audience
    city_code: str
    key_id: UUID
    secret_prefix: str
    scopes: frozenset[Scope]
    issued_at: datetime
    expires_at: datetime
    token_id: UUID


@dataclass(frozen=True, slots=True)
class Unverified:
    """A parsed token whose signature is not verified yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def key_name(self) -> str | None:
        """The `kid` in its header, which names the key that signed it."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def sign(token: AccessToken, key: Key, kid: str) -> str:
    """Return a token signed and in its compact form."""
    claims = {
        "iss": token.issuer,
        "aud": token.audience,
        "sub": str(token.key_id),
        "client_id": str(token.key_id),
        "jti": str(token.token_id),
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "scope": " ".join(sorted(token.scopes)),
        "city": token.city_code,
        "secret_prefix": token.secret_prefix,
    }
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": kid}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[ALGORITHM])


def looks_like_token(text: str) -> bool:
    """Return whether a bearer credential is a token and not a key: a key has no dots."""
    return "." in text


def take_apart(text: str) -> Unverified:
    """Return the header and the claims of a token, unverified.

    Raises:
        BadToken: it is not a token.
    """
    parts = text.split(".")
    if len(text) > LONGEST_TOKEN or len(parts) != _PARTS or not text.isascii():
        raise BadToken
    header, claims = (_object(part) for part in parts[:2])
    if "crit" in header or "b64" in header:
        raise BadToken
    return Unverified(text, header, claims)


def _object(part: str) -> Mapping[str, Any]:
    try:
        read = json.loads(urlsafe_b64decode(part.encode()))
    except (binascii.Error, ValueError, RecursionError):
        raise BadToken from None
    if not isinstance(read, dict):
        raise BadToken
    return read


def prove(token: Unverified, key: Key, algorithms: Collection[str]) -> None:
    """Accept a token that this key signed with one of the algorithms.

    Raises:
        BadToken: it did not.
    """
    if token.header.get("alg") not in algorithms:
        raise BadToken
    try:
        jws.deserialize_compact(token.text, key, algorithms=list(algorithms))
    except (JoseError, ValueError, TypeError):
        raise BadToken from None


def read_claims(token: Unverified, *, issuer: str | None, now: datetime) -> AccessToken:
    """Return the claims of a verified token of ours; `issuer` None: this installation has no name.

    Raises:
        BadToken: it is not for us, has expired, or is no access token.
    """
    said = token.claims
    audience = next((one for one in get_args(Audience) if one == said.get("aud")), None)
    if str(token.header.get("typ", "")).lower() not in _TYPES or audience is None:
        raise BadToken
    if issuer is not None and said.get("iss") != issuer:
        raise BadToken
    try:
        read = AccessToken(
            issuer=str(said["iss"]),
            audience=audience,
            city_code=str(said["city"]),
            key_id=UUID(said["sub"]),
            secret_prefix=str(said["secret_prefix"]),
            scopes=frozenset(one for one in SCOPES if one in said["scope"].split()),
            issued_at=instant_of(said["iat"]),
            expires_at=instant_of(said["exp"]),
            token_id=UUID(said["jti"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BadToken from None
    if not read.issued_at - CLOCKS_DIFFER <= now < read.expires_at:
        raise BadToken
    return read


CLOCKS_DIFFER = timedelta(seconds=30)
"""Tolerated clock skew: a token that another machine issued in the next second is good."""


def instant_of(seconds: object) -> datetime:
    """Return the instant of a claim in seconds since 1970.

    Raises:
        ValueError: it is not a number, or out of range.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError("no number")  # noqa: TRY004 (all that is wrong with a claim is one error)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError("no instant") from None

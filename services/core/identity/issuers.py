"""Foreign token issuers: which are trusted, how far, and which key a token acts as. Pure.

Trust is configuration: a file names the issuer, its audience, its algorithms, and the claims that
map a token to one of our keys. That key's rights, networks and end apply to the token.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import yaml
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.core.identity.access_tokens import (
    CLOCKS_DIFFER,
    BadToken,
    Unverified,
    instant_of,
    prove,
)

Algorithm = Literal[
    "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA"
]
"""Asymmetric algorithms only: a shared secret does not prove who signed."""

MOST_ISSUER_KEYS = 50
KEPT_WITHOUT_NEWS = timedelta(days=1)
"""How long keys are trusted that could not be fetched again."""

_LEAST_RSA_BITS = 2048
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_Word = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Grant(BaseModel):
    """A token that has all of these claims acts as this key of this city."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claims: dict[_Word, _Word] = Field(min_length=1)
    city: _Word
    key: UUID

    def fits(self, said: Mapping[str, Any]) -> bool:
        """Return whether a token has every claim: as a text, or among the texts of a list."""
        return all(
            said.get(name) == value or (isinstance(said.get(name), list) and value in said[name])
            for name, value in self.claims.items()
        )


class Issuer(BaseModel):
    """An issuer that is believed: its name as tokens have it, for whom, signed how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: _Word
    audience: _Word
    jwks_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2000)]
    algorithms: list[Algorithm] = Field(min_length=1)
    grants: list[Grant] = Field(min_length=1, max_length=1000)


class IssuersFile(BaseModel):
    """The file that names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuers: list[Issuer] = Field(max_length=20)


def read_issuers(path: Path) -> Mapping[str, Issuer]:
    """Return the issuers in a file, by name.

    Raises:
        ValueError: it is not such a file; the message names the place.
    """
    try:
        read = IssuersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    found = {one.issuer: one for one in read.issuers}
    if len(found) < len(read.issuers):
        raise ValueError(f"{path.name}: an issuer is named twice")
    return found


@dataclass(frozen=True, slots=True)
class ForeignToken:
    """The meaning of a foreign issuer's verified token: a key of ours, until the token expires."""

    city_code: str
    key_id: UUID
    expires_at: datetime


def published_keys(document: object) -> list[dict[str, Any]]:
    """Return the keys of a JWK set (RFC 7517) that can verify signatures; at most 50 are read.

    Unusable keys are ignored, as RFC 7517 section 5 asks: other key types, encryption keys, keys
    without a `kid`, RSA keys that are too short.

    Raises:
        ValueError: it is not a JWK set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("no JWK set: `keys` is missing")  # noqa: TRY004 (one error for every fault)
    found: dict[str, dict[str, Any]] = {}
    for one in keys[:MOST_ISSUER_KEYS]:
        if isinstance(one, dict) and isinstance(one.get("kid"), str) and _read_key(one) is not None:
            found.setdefault(one["kid"], _public(one))
    return list(found.values())


_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")


def _public(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in _PUBLIC_MEMBERS if isinstance(jwk.get(name), str)}


def _read_key(jwk: Mapping[str, Any]) -> Key | None:
    sorts: Mapping[str, type[ECKey | RSAKey | OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    sort = sorts.get(str(jwk.get("kty")))
    if sort is None or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = sort.import_key(_public(jwk))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size < _LEAST_RSA_BITS:
        return None
    return key


def read_foreign(
    token: Unverified, issuer: Issuer, keys: Sequence[Mapping[str, Any]], now: datetime
) -> ForeignToken:
    """Verify an issuer's token and return the key that it acts as; `keys` are its published ones.

    Raises:
        BadToken: signature, type, audience or times are wrong, or no grant names a key of ours.
    """
    jwk = next((one for one in keys if one["kid"] == token.key_name), None)
    key = None if jwk is None else _read_key(jwk)
    if jwk is None or key is None or jwk.get("alg", token.header.get("alg")) != token.header["alg"]:
        raise BadToken
    prove(token, key, issuer.algorithms)
    if str(token.header.get("typ", "")).lower() not in _TYPES:
        raise BadToken
    said = token.claims
    aud = said.get("aud")
    audiences = aud if isinstance(aud, list) else [aud]
    if said.get("iss") != issuer.issuer or issuer.audience not in audiences:
        raise BadToken
    ends = _judged_times(said, now)
    grant = _granted(issuer.grants, said)
    return ForeignToken(grant.city, grant.key, ends)


def _judged_times(said: Mapping[str, Any], now: datetime) -> datetime:
    try:
        ends = instant_of(said.get("exp"))
        begins = [instant_of(said[name]) for name in ("nbf", "iat") if name in said]
    except ValueError:
        raise BadToken from None
    if ends <= now or any(begin - CLOCKS_DIFFER > now for begin in begins):
        raise BadToken
    return ends


def _granted(grants: Iterable[Grant], said: Mapping[str, Any]) -> Grant:
    for grant in grants:
        if grant.fits(said):
            return grant
    raise BadToken

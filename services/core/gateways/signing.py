"""Signs a request by a profile, and verifies one. Pure: the caller passes the current instant.

Verification proves that a holder of the secret signed the request, and when they say they did. That
it arrives only once is left to the nonces, because that needs storage.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as keyed
from pydantic_core import to_json

from services.core.gateways.errors import (
    SignatureLate,
    SignatureMissing,
    SignatureWrong,
    clock_said,
)
from services.core.gateways.profiles import (
    Encoding,
    Profile,
    SignedPart,
    SigningAlgorithm,
    TimeUnit,
)
from services.core.gateways.sm_envelope import masked_envelope
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.sm3 import sm3
from services.core.kit.text import Text

MASK = "********"
"""Replaces a signature that is not shown."""

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_LONGEST = 200
_MOST_MEMBERS = 1000
_DIGITS: Mapping[TimeUnit, re.Pattern[str]] = {
    "s": re.compile(r"[0-9]{1,11}"),
    "ms": re.compile(r"[0-9]{1,14}"),
    "iso": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    ),
}
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it is signed: the path below the prefix, and the query unchanged.

    Names of headers are in lower case. `members` are those of a form or of a JSON object.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: bytes = b""

    def members(self, profile: Profile) -> Mapping[str, object]:
        """Return the members of the body, by name; empty if it has another form.

        Raises:
            SignatureWrong: a form has more than 1000 members, more than any that is signed.
        """
        if profile.takes_form:
            said = self.body.decode("utf-8", "replace")
            try:
                return dict(parse_qsl(said, keep_blank_values=True, max_num_fields=_MOST_MEMBERS))
            except ValueError:
                raise SignatureWrong from None
        try:
            read = read_json(self.body) if self.body else {}
        except MalformedBody:
            return {}
        return read if isinstance(read, dict) else {}


@dataclass(frozen=True, slots=True)
class Presented:
    """The claims of a request: whose it is, when and how it was signed.

    A hexadecimal signature is in lower case, so that each signature has one form.
    """

    partner: str
    time: str
    nonce: str | None
    interface: str | None
    signature: str


def presented(profile: Profile, call: Call) -> Presented:
    """Return the claims of a request, unverified.

    Raises:
        SignatureMissing: a place is empty or holds an invalid value; all such places are named.
    """
    said: Mapping[str, object] = call.members(profile) if profile.in_body else call.headers
    names: dict[SignedPart | None, str] = dict(profile.places.items())
    names[None] = profile.signature
    found = {part: _word(said.get(name)) for part, name in names.items()}
    lacking = [name for part, name in names.items() if found[part] is None]
    if lacking:
        listed = ", ".join(lacking)
        where = Text("请求体", "body") if profile.in_body else Text("请求头", "headers")
        raise SignatureMissing(
            Text(
                f"签名方式 {profile.name} 要求{where.zh}含有：{listed}",
                f"The profile {profile.name} needs in the {where.en}: {listed}",
            )
        )
    return Presented(
        partner=found[SignedPart.PARTNER] or "",
        time=found[SignedPart.TIME] or "",
        nonce=found.get(SignedPart.NONCE),
        interface=found.get(SignedPart.INTERFACE),
        signature=_in_one_form(profile.encoding, found[None] or ""),
    )


def _word(value: object) -> str | None:
    """Return a value that may stand in a place: short, printable, ASCII; else None."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return text if 0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() else None


def prove(
    profile: Profile, call: Call, said: Presented, secrets: Sequence[bytes], now: datetime
) -> None:
    """Accept a request that one of the secrets signed, within the window round `now`.

    Every secret is tried and compared in constant time, so that timing reveals nothing.

    Raises:
        SignatureLate: its time is too far from ours, or invalid.
        SignatureWrong: no secret signed it.
    """
    at = read_time(profile.time, said.time)
    if at is None or abs(now - at) > profile.window:
        raise clock_said(SignatureLate, profile.window, now)
    given = said.signature.encode()
    fits = False
    for secret in secrets:
        made = _in_one_form(profile.encoding, signature_of(profile, call, said, secret))
        fits |= hmac.compare_digest(made.encode(), given)
    if not fits:
        raise SignatureWrong


def nonce_digest(said: Presented) -> bytes:
    """Return the digest of what must come only once: the nonce, or else the signature."""
    once = said.signature if said.nonce is None else said.nonce
    kind = b"signature" if said.nonce is None else b"nonce"
    return hashlib.sha256(kind + b"\0" + once.encode()).digest()


def signature_of(profile: Profile, call: Call, said: Presented, secret: bytes) -> str:
    """Return the signature of a request by a secret."""
    parts = (_PARTS[part](profile, call, said, secret) for part in profile.signed)
    text = profile.separator.encode().join(one for one in parts if one is not None)
    return _encoded(profile.encoding, _digest(profile.algorithm, secret, text))


def sign(
    profile: Profile,
    call: Call,
    *,
    partner: str,
    secret: bytes,
    now: datetime,
    nonce: str,
    interface: str = "",
) -> Call:
    """Return a signed request, with the proof in its headers or in its body."""
    said = Presented(partner, written_time(profile.time, now), nonce, interface, "")
    values = {
        SignedPart.PARTNER: said.partner,
        SignedPart.TIME: said.time,
        SignedPart.NONCE: nonce,
        SignedPart.INTERFACE: interface,
    }
    places = {name: values[part] for part, name in profile.places.items()}
    if profile.in_body:
        places[profile.signature] = signature_of(profile, call, said, secret)
        body = to_json({**call.members(profile), **places})
        return Call(call.method, call.path, call.headers, call.query, body)
    made = signature_of(profile, call, said, secret)
    headers = {**call.headers, **profile.constants, **places, profile.signature: made}
    return Call(call.method, call.path, headers, call.query, call.body)


def masked(profile: Profile, call: Call) -> Call:
    """Return a signed request for people to read, which nobody can replay: signatures are masked.

    A signature that does not cover the body would be valid for any other body as well.
    """
    headers = {
        name: MASK if name == profile.signature else value for name, value in call.headers.items()
    }
    return Call(call.method, call.path, headers, call.query, _masked_body(profile, call))


def _masked_body(profile: Profile, call: Call) -> bytes:
    if profile.in_body:
        return to_json({**call.members(profile), profile.signature: MASK})
    if profile.envelope:
        return masked_envelope(call.body, MASK)
    return call.body


def body_of(profile: Profile, members: Mapping[str, object]) -> tuple[str, bytes]:
    """Return the members of a call encoded as its profile requires: media type, and body."""
    if profile.takes_form:
        return FORM, urlencode({name: str(one) for name, one in members.items()}).encode()
    return JSON, to_json(members)


def read_time(unit: TimeUnit, text: str) -> datetime | None:
    """Return the instant that a text gives; None: it is not a valid time."""
    if not _DIGITS[unit].fullmatch(text):
        return None
    try:
        if unit == "iso":
            return datetime.fromisoformat(text)
        return datetime.fromtimestamp(int(text) / (1000 if unit == "ms" else 1), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def written_time(unit: TimeUnit, at: datetime) -> str:
    """Return an instant in a profile's time format."""
    if unit == "iso":
        return at.astimezone(_CHINA).isoformat(timespec="milliseconds")
    return str(int(at.timestamp() * (1000 if unit == "ms" else 1)))


def _sorted_query(query: str) -> str:
    return "&".join(sorted(one for one in query.split("&") if one))


def _parameters(profile: Profile, call: Call) -> bytes | None:
    pairs = sorted(f"{name}={value}" for name, value in call.members(profile).items())
    return "&".join(pairs).encode() or None


def _body_digest(profile: Profile, call: Call) -> bytes:
    if profile.algorithm == "hmac-sm3":
        return sm3(call.body).hex().encode()
    return hashlib.sha256(call.body).hexdigest().encode()


_PARTS: Mapping[SignedPart, Callable[[Profile, Call, Presented, bytes], bytes | None]] = {
    SignedPart.PARTNER: lambda _p, _c, said, _s: said.partner.encode(),
    SignedPart.INTERFACE: lambda _p, _c, said, _s: (said.interface or "").encode(),
    SignedPart.TIME: lambda _p, _c, said, _s: said.time.encode(),
    SignedPart.NONCE: lambda _p, _c, said, _s: (said.nonce or "").encode(),
    SignedPart.SECRET: lambda _p, _c, _d, secret: secret,
    SignedPart.METHOD: lambda _p, call, _d, _s: call.method.upper().encode(),
    SignedPart.PATH: lambda _p, call, _d, _s: call.path.encode(),
    SignedPart.QUERY: lambda _p, call, _d, _s: _sorted_query(call.query).encode(),
    SignedPart.BODY: lambda profile, call, _d, _s: _body_digest(profile, call),
    SignedPart.PARAMETERS: lambda profile, call, _d, _s: _parameters(profile, call),
}


def _digest(algorithm: SigningAlgorithm, secret: bytes, text: bytes) -> bytes:
    if algorithm == "hmac-sha256":
        return hmac.digest(secret, text, "sha256")
    if algorithm == "hmac-sm3":
        # Python may be built on an OpenSSL without SM3; this library brings its own.
        work = keyed.HMAC(secret, hashes.SM3())
        work.update(text)
        return work.finalize()
    # Weak algorithms are here because platforms demand them; only known networks may use them.
    return hashlib.new(algorithm, text, usedforsecurity=False).digest()


def _encoded(encoding: Encoding, digest: bytes) -> str:
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return digest.hex().upper() if encoding == "HEX" else digest.hex()


def _in_one_form(encoding: Encoding, signature: str) -> str:
    return signature if encoding == "base64" else signature.lower()

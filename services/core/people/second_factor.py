"""Second-factor codes: time-based ones (TOTP, RFC 6238), and ten recovery codes. Pure."""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10

_SECRET_BYTES = 20
_RECOVERY_BYTES = 10
_DIGEST_BYTES = 32
_GROUP = 4
_STEPS_AROUND = (0, -1, 1)
"""A clock may be a step off on either side (RFC 6238, section 5.2)."""


def totp_context(person_id: UUID) -> str:
    """Return what a person's sealed secret is bound to."""
    return f"person.totp:{person_id}"


def pending_context(person_id: UUID) -> str:
    """Return what a person's next sealed secret is bound to, while no code of it was used."""
    return f"person.totp_pending:{person_id}"


def with_recovery(secret: bytes, codes: Sequence[str]) -> bytes:
    """Return a secret that does not count yet, with what is kept of its recovery codes."""
    return secret + b"".join(map(recovery_digest, codes))


def pending_parts(kept: bytes) -> tuple[bytes, list[bytes]]:
    """Return a secret that does not count yet, and what is kept of its recovery codes.

    Of one that was begun before they were kept with it there are none: they count already.
    """
    secret, rest = kept[:_SECRET_BYTES], kept[_SECRET_BYTES:]
    return secret, [rest[at : at + _DIGEST_BYTES] for at in range(0, len(rest), _DIGEST_BYTES)]


def new_secret() -> bytes:
    """Return a new secret of 160 bits, as RFC 4226 asks for."""
    return os.urandom(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret in base32, as one types it into an authenticator."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, username: str) -> str:
    """Return a secret as authenticators read it from a picture."""
    return (
        f"otpauth://totp/Wufei:{quote(username)}?secret={shown(secret)}&issuer=Wufei"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )


def looks_like_totp(code: str) -> bool:
    """Return whether a code is one by the time; the others are longer."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step."""
    # Authenticators know no other hash than SHA-1; HMAC does not depend on its collisions.
    made = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303
    return made.generate(step * STEP_SECONDS).decode()


def step_of(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step whose code this is, of those around now and later than `after`.

    None: it is of none, or was used already.
    """
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for around in _STEPS_AROUND:
        step = present + around
        if hmac.compare_digest(code_at(secret, step), code) and step > after:
            found = step if found is None else min(found, step)
    return found


def new_recovery_codes() -> list[str]:
    """Return codes of 80 random bits each, written in groups of four."""
    codes = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
        codes.append("-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP)))
    return codes


def recovery_digest(code: str) -> bytes:
    """Return what is kept of a recovery code, however its groups were typed."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()

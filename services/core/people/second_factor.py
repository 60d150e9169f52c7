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
"""Accepted time steps: the clock may be one step off on either side (RFC 6238, section 5.2)."""


def totp_context(person_id: UUID) -> str:
    """Return the context that a person's sealed secret is bound to."""
    return f"person.totp:{person_id}"


def pending_context(person_id: UUID) -> str:
    """Return the context of a person's pending secret, until a code of it was used."""
    return f"person.totp_pending:{person_id}"


def with_recovery(secret: bytes, codes: Sequence[str]) -> bytes:
    """Return a pending secret joined with the digests of its recovery codes."""
    return secret + b"".join(map(recovery_digest, codes))


def pending_parts(kept: bytes) -> tuple[bytes, list[bytes]]:
    """Split a pending secret from the digests of its recovery codes.

    A secret from before the two were joined has no digests: its codes are active already.
    """
    secret, rest = kept[:_SECRET_BYTES], kept[_SECRET_BYTES:]
    return secret, [rest[at : at + _DIGEST_BYTES] for at in range(0, len(rest), _DIGEST_BYTES)]


def new_secret() -> bytes:
    """Return a new secret of 160 bits, as RFC 4226 asks for."""
    return os.urandom(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret in base32, as people type it into an authenticator."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, username: str) -> str:
    """Return the `otpauth` URL of a secret, which authenticators read from a QR code."""
    return (
        f"otpauth://totp/Wufei:{quote(username)}?secret={shown(secret)}&issuer=Wufei"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )


def looks_like_totp(code: str) -> bool:
    """Return whether a code looks like a TOTP; recovery codes are longer."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step."""
    # Authenticators support only SHA-1, whose collisions do not weaken HMAC.
    made = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303
    return made.generate(step * STEP_SECONDS).decode()


def step_of(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step of a code, among those around now and later than `after`.

    None: the code matches none of them, or was used already.
    """
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for around in _STEPS_AROUND:
        step = present + around
        if hmac.compare_digest(code_at(secret, step), code) and step > after:
            found = step if found is None else min(found, step)
    return found


def new_recovery_codes() -> list[str]:
    """Return ten recovery codes of 80 random bits each, written in groups of four."""
    codes = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
        codes.append("-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP)))
    return codes


def recovery_digest(code: str) -> bytes:
    """Return the digest of a recovery code, however its groups were typed."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()

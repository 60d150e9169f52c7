"""Standard Webhooks signatures over bytes: `v1` (HMAC-SHA256) and `v1a` (ed25519). Pure.

The signature covers `{id}.{timestamp}.{body}`. If several keys are live, each signs, the newest
first, and a receiver accepts any.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SecretKind = Literal["v1", "v1a"]
KINDS: tuple[SecretKind, ...] = get_args(SecretKind)

SHORTEST, LONGEST = 24, 64
"""Bytes of a symmetric secret."""

_SEED_BYTES = 32
"""Length of an ed25519 seed, and of a new symmetric secret."""

_PREFIXES: dict[SecretKind, str] = {"v1": "whsec_", "v1a": "whsk_"}
_PUBLIC_PREFIX = "whpk_"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key: its kind, and its bytes; for ed25519 they are its seed."""

    kind: SecretKind
    secret: bytes

    @property
    def text(self) -> str:
        """The secret as shown once: `whsec_…`, or `whsk_…` of seed and public key."""
        shown = self.secret if self.kind == "v1" else self.secret + self._public_bytes()
        return _PREFIXES[self.kind] + _base64(shown)

    @property
    def public_text(self) -> str | None:
        """The public key as given to a receiver, `whpk_…`; a symmetric key has none."""
        return None if self.kind == "v1" else _PUBLIC_PREFIX + _base64(self._public_bytes())

    def sign(self, content: bytes) -> str:
        """Return the signature of `content`, prefixed with its version."""
        if self.kind == "v1":
            signature = hmac.digest(self.secret, content, hashlib.sha256)
        else:
            signature = self._private().sign(content)
        return f"{self.kind},{_base64(signature)}"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    def _public_bytes(self) -> bytes:
        return self._private().public_key().public_bytes_raw()


def new_key(kind: SecretKind) -> SigningKey:
    """Return a new random key."""
    return SigningKey(kind, secrets.token_bytes(_SEED_BYTES))


def read_key(text: str) -> SigningKey | None:
    """Parse a key, `whsec_…` or `whsk_…`; None: the text is none.

    A symmetric secret has 24 to 64 bytes; an ed25519 key is a seed, optionally followed by its
    public key, which must match.
    """
    for kind, prefix in _PREFIXES.items():
        if not text.startswith(prefix):
            continue
        try:
            secret = base64.b64decode(text.removeprefix(prefix), validate=True)
        except (binascii.Error, ValueError):
            return None
        return _symmetric(secret) if kind == "v1" else _asymmetric(secret)
    return None


def _symmetric(secret: bytes) -> SigningKey | None:
    return SigningKey("v1", secret) if SHORTEST <= len(secret) <= LONGEST else None


def _asymmetric(secret: bytes) -> SigningKey | None:
    if len(secret) not in {_SEED_BYTES, 2 * _SEED_BYTES}:
        return None
    key = SigningKey("v1a", secret[:_SEED_BYTES])
    public = secret[_SEED_BYTES:]
    return key if not public or public == key._public_bytes() else None  # noqa: SLF001 (its own module)


def signature_header(
    keys: Iterable[SigningKey], *, message_id: str, timestamp: int, body: bytes
) -> str:
    """Return the value of `webhook-signature`: one signature for each key, in the given order.

    `timestamp` is this attempt's, in whole seconds; `body` the bytes that are sent.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(key.sign(content) for key in keys)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()

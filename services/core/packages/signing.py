"""Signatures of a carried file's manifest, in the scheme of a webhook's body. Pure.

`v1` is an HMAC-SHA256 with a secret that both installations have, `v1a` an Ed25519 signature that
anybody with the sender's public key can verify. There is no tolerance of time: a file may be
carried for weeks, and its number and chain tell whether it was taken in before.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signature, has_signed
from services.core.kit.text import Text
from services.core.webhooks.signing import SigningKey, read_key, signature_header

PURPOSE = "packages"
"""The purpose for which our key is derived from the sealing key."""

_PUBLIC_PREFIX = "whpk_"
_PUBLIC_BYTES = 32


def own_key(seal: Seal) -> SigningKey:
    """Return the key that this installation signs with."""
    return SigningKey("v1a", seal.derived(PURPOSE)[0])


def signatures_of(said: bytes, file_id: UUID, made_at: datetime, keys: Sequence[SigningKey]) -> str:
    """Return the signatures of a manifest, one for each key."""
    timestamp = int(made_at.timestamp())
    return signature_header(keys, message_id=str(file_id), timestamp=timestamp, body=said)


def shared_key(text: str) -> SigningKey | None:
    """Parse a shared secret `whsec_…`; None: it is none."""
    key = read_key(text.strip())
    return key if key is not None and key.kind == "v1" else None


def public_bytes(text: str) -> bytes | None:
    """Parse a public key `whpk_…`; None: it is none."""
    said = text.strip()
    if not said.startswith(_PUBLIC_PREFIX):
        return None
    try:
        raw = base64.b64decode(said.removeprefix(_PUBLIC_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == _PUBLIC_BYTES else None


@dataclass(frozen=True, slots=True)
class Trusted:
    """Keys of a sender: a shared secret, public keys; each given kind must have signed."""

    secret: SigningKey | None = None
    public_keys: Collection[bytes] = ()

    @property
    def is_nobody(self) -> bool:
        """Whether no key is known."""
        return self.secret is None and not self.public_keys


_NOT_SHARED = Text(
    "签名不符：不是用双方共享的密钥签的（v1）",
    "the signature is not good: not made with the shared secret (v1)",
)
_NOT_KNOWN = Text(
    "签名不符：不是用已登记的公钥签的（v1a）",
    "the signature is not good: not made by a public key that is trusted (v1a)",
)


def unsigned(
    said: bytes, file_id: UUID, made_at: datetime, signatures: str, trusted: Trusted
) -> Text | None:
    """Return what is wrong with a manifest's signatures; None: each required one is valid."""
    content = f"{file_id}.{int(made_at.timestamp())}.".encode() + said
    given = list(_read(signatures))
    if trusted.secret is not None:
        made = hmac.digest(trusted.secret.secret, content, hashlib.sha256)
        if not any(kind == "v1" and hmac.compare_digest(one, made) for kind, one in given):
            return _NOT_SHARED
    if trusted.public_keys and not any(
        kind == "v1a" and has_signed(content, Signature(key, one))
        for kind, one in given
        for key in trusted.public_keys
    ):
        return _NOT_KNOWN
    return None


def _read(signatures: str) -> Iterator[tuple[str, bytes]]:
    for one in signatures.split():
        kind, _, value = one.partition(",")
        try:
            yield kind, base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            continue

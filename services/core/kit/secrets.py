"""Secrets that are shown once and kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text

MOST_OLD_SECRETS = 10
LONGEST_OVERLAP = timedelta(days=7)
DEFAULT_OVERLAP = timedelta(days=1)
"""How long an old secret stays valid beside its replacement, by default."""

_PREFIX_BYTES = 5
_SECRET_BYTES = 32


class TooManyOldSecrets(DomainError):
    """Ten older secrets are still good; wait for one to expire, or give no overlap."""

    code = "too-many-old-secrets"
    kind = RefusalKind.CONFLICT
    title = Text("仍有效的旧密钥过多", "Too many older secrets are still good")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new secret: `text` for its owner, `prefix` to recognise it, `digest` to keep."""

    text: str
    prefix: str
    digest: bytes


def mint(label: str) -> Minted:
    """Return a new secret of 256 random bits, written `<label>_<prefix>_<secret>`."""
    prefix = f"{label}_{secrets.token_hex(_PREFIX_BYTES)}"
    text = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return Minted(text=text, prefix=prefix, digest=digest(text))


def digest(text: str) -> bytes:
    """Return the stored hash of a secret. SHA-256 suffices: the secret is 256 random bits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()

"""The life cycle of a token signing key, without a gap between keys. Pure.

A key is published a day before it signs, so that whoever caches published keys has it by then. It
signs until the next one does, and stays published until the last token that it signed has expired.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from joserfc.jwk import ECKey, Key

from services.core.kit.sealing import CannotUnseal, Seal

SIGNS_FOR = timedelta(days=30)
PUBLISHED_BEFORE = timedelta(days=1)
LONGEST_LIFE = timedelta(hours=1)
"""Longest lifetime of a token."""

_SPARE = timedelta(hours=1)
_CURVE = "P-256"


@dataclass(frozen=True, slots=True)
class IssuingKey:
    """A stored key: from when it signs, its public half, and its sealed private half."""

    number: int
    kid: str
    signs_from: datetime
    public: dict[str, Any]
    sealed: bytes

    def private(self, seal: Seal) -> Key:
        """Return the key to sign with.

        Raises:
            CannotUnseal: it was sealed with a key that this process does not have.
        """
        return ECKey.import_key(seal.unseal(self.sealed, _context(self.number)))

    def resealed(self, seal: Seal) -> bytes:
        """Return the private half sealed with today's key and cipher.

        Raises:
            CannotUnseal: see `private`.
        """
        context = _context(self.number)
        return seal.seal(seal.unseal(self.sealed, context), context)

    def verifier(self) -> Key:
        """Return the key to verify with."""
        return ECKey.import_key(self.public)


def new_signing_key(number: int, *, signs_from: datetime, seal: Seal) -> IssuingKey:
    """Return a new key with its private half sealed."""
    made = ECKey.generate_key(_CURVE)
    kid = made.thumbprint()
    public = {**made.as_dict(private=False), "kid": kid, "use": "sig", "alg": "ES256"}
    sealed = seal.seal(made.as_der(private=True), _context(number))
    return IssuingKey(number, kid, signs_from, public, sealed)


def _context(number: int) -> str:
    return f"token_key {number}"


_K = TypeVar("_K", bound=IssuingKey)


def signing(keys: Sequence[_K], now: datetime) -> _K | None:
    """Return the key that signs now: the newest that has begun to; None: none has."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=lambda key: (key.signs_from, key.number), default=None)


def next_from(keys: Sequence[IssuingKey], now: datetime) -> datetime | None:
    """Return from when a key to be made now should sign; None: no key is due.

    If every key begins in the future, as after a clock was set back, one is due at once.
    """
    if signing(keys, now) is None:
        return now
    newest = max(key.signs_from for key in keys)
    if newest + SIGNS_FOR - PUBLISHED_BEFORE > now:
        return None
    return now + PUBLISHED_BEFORE


def outlived(keys: Sequence[IssuingKey], now: datetime) -> list[IssuingKey]:
    """Return the keys whose tokens have all expired."""
    ended = now - LONGEST_LIFE - _SPARE
    successor = signing(keys, ended)
    if successor is None:
        return []
    return [key for key in keys if key.signs_from < successor.signs_from]


def can_sign(key: IssuingKey, seal: Seal) -> bool:
    """Return whether a process with this seal can sign with a key."""
    try:
        key.private(seal)
    except CannotUnseal:
        return False
    return True

"""Secrets that must be read again: sealed with a key that the database does not hold."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from pydantic import SecretStr

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text

_VERSION = b"\x01"
_KEY_BYTES = 32
_MARK_BYTES = 4
_NONCE_BYTES = 12


class SecretKeyNotSet(DomainError):
    """Secrets are kept sealed only, and this deployment was given no key to seal or sign with."""

    code = "secret-key-not-set"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "本部署未设置密钥（WUFEI_SECRET_KEY），不能保存回调密钥，也不能签发填报表",
        "This deployment has no WUFEI_SECRET_KEY to seal secrets or sign sheets with",
    )


class CannotUnseal(Exception):
    """What was sealed cannot be opened: its key is not among ours, or it belongs elsewhere."""


class Seal:
    """Keys of 32 bytes: the first one seals, each of them opens what it once sealed.

    The form is a version, four bytes that mark the key, the nonce, and what the cipher made.
    A `context` such as a table's name and a row's id is bound to what is sealed, so that it
    opens only where it was put.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError("at least one key of 32 bytes is needed")
        self._ciphers = {_mark(key): ChaCha20Poly1305(key) for key in keys}
        self._first = _mark(keys[0])
        self._signers = {_mark(key): _signer(key) for key in keys}
        self._keys = tuple(keys)

    @classmethod
    def read(cls, text: str) -> "Seal":
        """Return the seal of keys in base64, separated by commas.

        Raises:
            ValueError: one of them is not base64 of 32 bytes, or there is none.
        """
        try:
            keys = [base64.b64decode(one.strip(), validate=True) for one in text.split(",")]
        except binascii.Error:
            raise ValueError("keys are base64, separated by commas") from None
        return cls(keys)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` sealed with the first key."""
        # A nonce must never be used twice with a key. 96 random bits are enough for billions of
        # seals, and a counter would have to survive every restore of a backup.
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, context.encode())
        return _VERSION + self._first + nonce + sealed

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed in this context.

        Raises:
            CannotUnseal: with none of the keys, or not here.
        """
        version, mark, nonce, rest = sealed[:1], sealed[1:5], sealed[5:17], sealed[17:]
        cipher = self._ciphers.get(mark) if version == _VERSION else None
        if cipher is None:
            raise CannotUnseal
        try:
            return cipher.decrypt(nonce, rest, context.encode())
        except (InvalidTag, ValueError):
            raise CannotUnseal from None

    def derived(self, purpose: str) -> list[bytes]:
        """Return for each key another of 32 bytes, for one purpose only; the first key's first."""
        said = b"key for " + purpose.encode()
        return [hmac.new(key, said, hashlib.sha256).digest() for key in self._keys]

    def sign(self, plain: bytes, context: str) -> bytes:
        """Return the signature of `plain`: the first key's mark and an HMAC-SHA256 by it."""
        return self._first + _signature(self._signers[self._first], plain, context)

    def has_signed(self, plain: bytes, signature: bytes, context: str) -> bool:
        """Return whether one of the keys signed `plain` in this context."""
        signer = self._signers.get(signature[:_MARK_BYTES])
        if signer is None:
            return False
        made = _signature(signer, plain, context)
        return hmac.compare_digest(made, signature[_MARK_BYTES:])


def _signer(key: bytes) -> bytes:
    """Return a key of its own, so that what is signed tells nothing of what is sealed."""
    return hashlib.sha256(b"key for signing" + key).digest()


def _signature(signer: bytes, plain: bytes, context: str) -> bytes:
    return hmac.new(signer, context.encode() + b"\0" + plain, hashlib.sha256).digest()


def new_seal_key() -> str:
    """Return a new key as `Seal.read` takes it."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _mark(key: bytes) -> bytes:
    """Return what tells a key from others, and tells nothing of it."""
    return hashlib.sha256(b"mark of a sealing key" + key).digest()[:_MARK_BYTES]


def checked_key(secret: SecretStr) -> SecretStr:
    """Return the setting of sealing keys as it is.

    Raises:
        ValueError: it does not hold keys.
    """
    Seal.read(secret.get_secret_value())
    return secret

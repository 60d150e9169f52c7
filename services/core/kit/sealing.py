"""Envelope encryption of secrets that must be read again; the database does not hold the key.

Each secret is encrypted with a data key of its own, and the data key with a configured key. The
cipher is AES-256-GCM (NIST SP 800-38D) or SM4-GCM (GB/T 32907, GB/T 36624). So a configured key
never touches the secrets themselves, and rotating it re-encrypts only the data keys (32 bytes each,
16 for SM4).
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text

CipherName = Literal["aes-256-gcm", "sm4-gcm"]

_KEY_BYTES = 32
_MARK_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
HEAD_BYTES = 1 + _MARK_BYTES
"""Bytes at the start of every value that the same key and cipher sealed."""
_CHACHA = 1
"""The version of older values, sealed by ChaCha20-Poly1305 directly; they are only opened."""


class SecretKeyNotSet(DomainError):
    """Secrets are kept sealed only, and this deployment was given no key to seal or sign with."""

    code = "secret-key-not-set"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "本部署未设置密钥（WUFEI_SECRET_KEY），不能保存回调密钥，也不能签发填报表",
        "This deployment has no WUFEI_SECRET_KEY to seal secrets or sign sheets with",
    )


class CannotUnseal(Exception):
    """A sealed value cannot be opened: its key is not configured, or it belongs elsewhere."""


class Seal:
    """Keys of 32 bytes: the first one seals, and each of them opens what it sealed.

    The format is: a version, which names the cipher; four bytes that identify the key; the wrapped
    data key; the ciphertext. Each of the last two follows its nonce. A `context` such as table name
    and row id is authenticated with the value, so that it opens only where it was put.
    """

    def __init__(self, keys: Sequence[bytes], cipher: CipherName = "aes-256-gcm") -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError("at least one key of 32 bytes is needed")
        self._keys = {_mark(key): key for key in keys}
        self._first = _mark(keys[0])
        self._version = _VERSIONS[cipher]
        self._signers = {_mark(key): _signer(key) for key in keys}

    @classmethod
    def read(cls, text: str, cipher: CipherName = "aes-256-gcm") -> "Seal":
        """Return the seal of keys in base64, separated by commas.

        Raises:
            ValueError: one of them is not base64 of 32 bytes, or there is none.
        """
        try:
            keys = [base64.b64decode(one.strip(), validate=True) for one in text.split(",")]
        except binascii.Error:
            raise ValueError("keys are base64, separated by commas") from None
        return cls(keys, cipher)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` sealed with the first key."""
        cipher = _ENVELOPES[self._version]
        data_key = os.urandom(cipher.key_bytes)
        bound = context.encode()
        return (
            bytes([self._version])
            + self._first
            + cipher.close(_wrapper(self._keys[self._first], cipher), data_key, bound)
            + cipher.close(data_key, plain, bound)
        )

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Return the plain text that was sealed in this context.

        Raises:
            CannotUnseal: none of the keys sealed it, or not in this context.
        """
        key = self._keys.get(sealed[1:HEAD_BYTES])
        if key is None:
            raise CannotUnseal("sealed with a key that WUFEI_SECRET_KEY does not name")
        within, bound = sealed[HEAD_BYTES:], context.encode()
        try:
            if sealed[0] == _CHACHA:
                nonce, rest = within[:_NONCE_BYTES], within[_NONCE_BYTES:]
                return ChaCha20Poly1305(key).decrypt(nonce, rest, bound)
            cipher = _ENVELOPES[sealed[0]]
            end = _NONCE_BYTES + cipher.key_bytes + _TAG_BYTES
            data_key = cipher.open(_wrapper(key, cipher), within[:end], bound)
            return cipher.open(data_key, within[end:], bound)
        except (InvalidTag, ValueError, KeyError):
            raise CannotUnseal("altered, or put elsewhere, since it was sealed") from None

    def knows(self, sealed: bytes) -> bool:
        """Return whether one of the keys sealed it; the first bytes are enough to tell."""
        return sealed[1:HEAD_BYTES] in self._keys

    def is_current(self, sealed: bytes) -> bool:
        """Return whether the first key sealed it, with the cipher that is configured now."""
        return sealed[:HEAD_BYTES] == bytes([self._version]) + self._first

    def derived(self, purpose: str) -> list[bytes]:
        """Return a derived key of 32 bytes per key, for one purpose; the first key's first."""
        said = b"key for " + purpose.encode()
        return [hmac.new(key, said, hashlib.sha256).digest() for key in self._keys.values()]

    def sign(self, plain: bytes, context: str) -> bytes:
        """Return the signature of `plain`: the first key's mark and its HMAC-SHA256."""
        return self._first + _signature(self._signers[self._first], plain, context)

    def has_signed(self, plain: bytes, signature: bytes, context: str) -> bool:
        """Return whether one of the keys signed `plain` in this context."""
        signer = self._signers.get(signature[:_MARK_BYTES])
        if signer is None:
            return False
        made = _signature(signer, plain, context)
        return hmac.compare_digest(made, signature[_MARK_BYTES:])


class _Envelope:
    """An AEAD cipher with a tag of 16 bytes; its output is nonce, ciphertext and tag."""

    def __init__(
        self,
        key_bytes: int,
        encrypt: Callable[[bytes, bytes, bytes, bytes], bytes],
        decrypt: Callable[[bytes, bytes, bytes, bytes], bytes],
    ) -> None:
        self.key_bytes = key_bytes
        self._encrypt = encrypt
        self._decrypt = decrypt

    def close(self, key: bytes, plain: bytes, bound: bytes) -> bytes:
        # A nonce must never be used twice with a key. 96 random bits are enough for billions of
        # seals, and a counter would have to survive every restore of a backup.
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._encrypt(key, nonce, plain, bound)

    def open(self, key: bytes, closed: bytes, bound: bytes) -> bytes:
        return self._decrypt(key, closed[:_NONCE_BYTES], closed[_NONCE_BYTES:], bound)


def _aes_encrypt(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce, plain, bound)


def _aes_decrypt(key: bytes, nonce: bytes, closed: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(nonce, closed, bound)


def _sm4_encrypt(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    work = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    work.authenticate_additional_data(bound)
    return work.update(plain) + work.finalize() + work.tag


def _sm4_decrypt(key: bytes, nonce: bytes, closed: bytes, bound: bytes) -> bytes:
    text, tag = closed[:-_TAG_BYTES], closed[-_TAG_BYTES:]
    work = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
    work.authenticate_additional_data(bound)
    return work.update(text) + work.finalize()


_VERSIONS: dict[CipherName, int] = {"aes-256-gcm": 2, "sm4-gcm": 3}
_ENVELOPES = {
    2: _Envelope(32, _aes_encrypt, _aes_decrypt),
    3: _Envelope(16, _sm4_encrypt, _sm4_decrypt),
}


def _wrapper(key: bytes, cipher: _Envelope) -> bytes:
    """Return the key that wraps data keys: one per cipher, derived from the configured key."""
    made = hashlib.sha256(b"key for data keys of %d" % cipher.key_bytes + key).digest()
    return made[: cipher.key_bytes]


def _signer(key: bytes) -> bytes:
    """Return a derived signing key, so that signatures reveal nothing about the sealing key."""
    return hashlib.sha256(b"key for signing" + key).digest()


def _signature(signer: bytes, plain: bytes, context: str) -> bytes:
    return hmac.new(signer, context.encode() + b"\0" + plain, hashlib.sha256).digest()


def new_seal_key() -> str:
    """Return a new key as `Seal.read` takes it."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _mark(key: bytes) -> bytes:
    """Return bytes that identify a key without revealing anything about it."""
    return hashlib.sha256(b"mark of a sealing key" + key).digest()[:_MARK_BYTES]

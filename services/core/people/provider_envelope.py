"""The envelope of the zhb gateway: AES-CBC inside, signed over the readable members. Pure.

A request is `{appId, method, timestamp, data, sign}`, an answer `{code, data, sign}`. `data` is
Base64 of JSON encrypted with AES-CBC and PKCS#7. `sign` is the HMAC-SHA256, in lower-case
hexadecimal, over the other members as `name=value` sorted by name, joined by `&`. It is
verified before anything is decrypted, so that there is no padding oracle.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic_core import to_json

from services.core.kit.exact_data import MalformedBody, read_json

KEY_BYTES = (16, 24, 32)
IV_BYTES = 16
_BLOCK_BITS = 128
_OK = 200


class BadEnvelope(Exception):
    """An answer is not the gateway's; the message reveals nothing of its content."""


class EnvelopeRefused(Exception):
    """The gateway refused the request, in a signed answer."""


@dataclass(frozen=True, slots=True)
class EnvelopeKeys:
    """The keys agreed with the gateway."""

    secret: bytes = field(repr=False)
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)


def closed(head: Mapping[str, object], data: Mapping[str, object], keys: EnvelopeKeys) -> bytes:
    """Return a signed body with the readable members `head` and the encrypted `data`."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    work = Cipher(algorithms.AES(keys.key), modes.CBC(keys.iv)).encryptor()
    plain = padder.update(to_json(data)) + padder.finalize()
    shown = {**head, "data": base64.b64encode(work.update(plain) + work.finalize()).decode()}
    return to_json({**shown, "sign": _signature(shown, keys.secret)})


def opened(body: bytes, keys: EnvelopeKeys) -> Mapping[str, Any]:
    """Verify and decrypt an answer, and return its data.

    Raises:
        BadEnvelope: it is not JSON, not signed by the gateway, or was altered.
        EnvelopeRefused: it is the gateway's, and a refusal.
    """
    answer = _object(body, "not JSON")
    given = answer.get("sign")
    shown = {name: value for name, value in answer.items() if name != "sign"}
    made = _signature(shown, keys.secret)
    if not isinstance(given, str) or not hmac.compare_digest(made.encode(), given.encode()):
        raise BadEnvelope("wrong signature")
    if answer.get("code") != _OK:
        raise EnvelopeRefused
    return _object(_deciphered(answer.get("data"), keys), "not deciphered")


def _deciphered(data: object, keys: EnvelopeKeys) -> bytes:
    work = Cipher(algorithms.AES(keys.key), modes.CBC(keys.iv)).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    try:
        sealed = base64.b64decode(str(data), validate=True)
        plain = work.update(sealed) + work.finalize()
        return unpadder.update(plain) + unpadder.finalize()
    except (binascii.Error, ValueError):
        raise BadEnvelope("not deciphered") from None


def _object(body: bytes, otherwise: str) -> Mapping[str, Any]:
    try:
        read = read_json(body)
    except MalformedBody:
        raise BadEnvelope(otherwise) from None
    if not isinstance(read, dict):
        raise BadEnvelope(otherwise)
    return read


def _signature(shown: Mapping[str, object], secret: bytes) -> str:
    text = "&".join(f"{name}={shown[name]}" for name in sorted(shown))
    return hmac.digest(secret, text.encode("utf-8", "replace"), "sha256").hex()

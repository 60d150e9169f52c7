"""The envelope of the national medical-insurance platform: SM4 inside, signed with SM2. Pure.

A body is `{"data": {"data": {"encData"}, "appCode", "version", "encType", "signType", "timestamp",
"signData"}}` and goes beside the headers of `tif`. The signature covers the plain text (GB/T
32918.2, with the standard's default id). The encryption is SM4 in ECB mode (GB/T 32907) with a key
made of code and secret. ECB reveals which blocks are equal, so TLS stays necessary.

SM2 comes from `gmalg`, in the optional extra `sm`. Software is no certified module: where one is
required, that module has to sign.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic_core import to_json

from services.core.gateways.errors import SignatureWrong, SmNotInstalled
from services.core.kit.exact_data import MalformedBody, read_json

_VERSION = "1.0.0"
_UID = b"1234567812345678"
"""The default id of a signer where none is agreed (GB/T 32918.2 and GM/T 0009)."""

_HALF = 32
_BLOCK_BITS = 128
_KEY_CHARACTERS = 16
_NOT_SIGNED = frozenset({"signData", "encData", "extra"})


@dataclass(frozen=True, slots=True)
class SmKeys:
    """What two platforms have agreed: code and secret, our private key, the other's public one.

    `private_key` is 32 bytes, `public_key` a point of 65 bytes whose first byte is 4.
    """

    app_code: str
    app_secret: str = field(repr=False)
    private_key: bytes = field(repr=False)
    public_key: bytes


def sealed(data: Mapping[str, Any], keys: SmKeys, *, timestamp: int) -> bytes:
    """Return a signed and encrypted body with `data`; `timestamp` is in seconds since 1970.

    Raises:
        SmNotInstalled: the optional extra `sm` is not installed.
    """
    require_sm()
    head: dict[str, Any] = {
        "appCode": keys.app_code,
        "version": _VERSION,
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": timestamp,
    }
    text = signed_text({**head, "data": data}, keys.app_secret)
    r, s = _signer(keys).sign(text)
    closed = _enciphered(_sm4_key(keys), to_json(data)).hex().upper()
    signature = base64.b64encode(r.rjust(_HALF, b"\0") + s.rjust(_HALF, b"\0")).decode()
    return to_json({"data": {"data": {"encData": closed}, **head, "signData": signature}})


@dataclass(frozen=True, slots=True)
class Disclosed:
    """The content of an envelope, and its timestamp as text."""

    data: dict[str, Any]
    timestamp: str


def opened(body: bytes, keys: SmKeys) -> Disclosed:
    """Return the content of a body whose signature is valid.

    Raises:
        SignatureWrong: it is no such envelope, or the other platform did not sign it.
        SmNotInstalled: the optional extra `sm` is not installed.
    """
    require_sm()
    try:
        envelope = read_json(body)["data"]
        data = read_json(_deciphered(_sm4_key(keys), bytes.fromhex(envelope["data"]["encData"])))
        if not isinstance(data, dict):
            raise SignatureWrong
        signature = base64.b64decode(envelope["signData"], validate=True)
        text = signed_text({**envelope, "data": data}, keys.app_secret)
        fits = len(signature) == 2 * _HALF and _verifier(keys).verify(
            text, signature[:_HALF], signature[_HALF:]
        )
    except (MalformedBody, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise SignatureWrong from None
    if not fits or envelope.get("appCode") != keys.app_code:
        raise SignatureWrong
    return Disclosed(data, str(envelope.get("timestamp")))


def masked_envelope(body: bytes, mask: str) -> bytes:
    """Return a body with its signature masked; a body that is no envelope stays unchanged."""
    try:
        envelope = read_json(body)
    except MalformedBody:
        return body
    inner = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(inner, dict) or "signData" not in inner:
        return body
    return to_json({**envelope, "data": {**inner, "signData": mask}})


def signed_text(envelope: Mapping[str, Any], secret: str) -> bytes:
    """Return the signed text: members by name, `data` as JSON with sorted names, then the secret.

    Members without a value are left out, in `data` too, where numbers become text.
    """
    pairs = []
    for name in sorted(envelope.keys() - _NOT_SIGNED):
        value = envelope[name]
        if name == "data":
            value = to_json(_ordered(value)).decode()
        if value is not None and str(value):
            pairs.append(f"{name}={value}")
    return "&".join([*pairs, f"key={secret}"]).encode()


def _ordered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(data[name]) for name in sorted(data) if data[name] not in (None, "", [])}


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return [dict(sorted(one.items())) if isinstance(one, dict) else one for one in value]
    return value if isinstance(value, str | dict) else str(value)


def require_sm() -> None:
    """Check that SM2 is available.

    Raises:
        SmNotInstalled: the optional extra `sm` is not installed.
    """
    try:
        import gmalg  # noqa: F401, PLC0415 (as above)
    except ImportError:
        raise SmNotInstalled from None


def new_pair() -> tuple[bytes, bytes]:
    """Return a new private key, and its public key.

    Raises:
        SmNotInstalled: the optional extra `sm` is not installed.
    """
    require_sm()
    from gmalg import SM2  # noqa: PLC0415 (as above)

    private, public = SM2(None, _UID).generate_keypair()
    # The library strips leading zeros, which one private key in 256 begins with.
    return bytes(private).rjust(_HALF, b"\0"), bytes(public)


def is_point(public_key: bytes) -> bool:
    """Return whether a public key is a point on the SM2 curve.

    Raises:
        SmNotInstalled: the optional extra `sm` is not installed.
    """
    require_sm()
    from gmalg import SM2  # noqa: PLC0415 (as above)

    return bool(SM2(None, _UID).verify_pk(public_key))


def _signer(keys: SmKeys) -> Any:
    from gmalg import SM2  # noqa: PLC0415 (an optional extra)

    return SM2(keys.private_key, _UID)  # SM2 also signs over the signer's public key


def _verifier(keys: SmKeys) -> Any:
    from gmalg import SM2  # noqa: PLC0415 (as above)

    return SM2(None, _UID, keys.public_key)


def _sm4_key(keys: SmKeys) -> bytes:
    """Return the SM4 key: the secret encrypted by the code, its first 16 hexadecimal digits."""
    code = keys.app_code[:_KEY_CHARACTERS].encode()
    return _enciphered(code, keys.app_secret.encode()).hex().upper()[:_KEY_CHARACTERS].encode()


def _enciphered(key: bytes, plain: bytes) -> bytes:
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    work = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 (theirs, see above)
    return work.update(padder.update(plain) + padder.finalize()) + work.finalize()


def _deciphered(key: bytes, closed: bytes) -> bytes:
    work = Cipher(algorithms.SM4(key), modes.ECB()).decryptor()  # noqa: S305 (theirs, see above)
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    return unpadder.update(work.update(closed) + work.finalize()) + unpadder.finalize()

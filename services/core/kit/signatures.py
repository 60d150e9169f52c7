"""Ed25519 signatures (RFC 8032) that others can verify; the sealing keys derive their keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.core.kit.sealing import Seal


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and its key: 32 bytes of the public key, 64 of the signature."""

    public_key: bytes
    value: bytes


class Signer:
    """The keys of one purpose: the first one signs, the others signed earlier."""

    def __init__(self, seal: Seal, purpose: str) -> None:
        self._keys = [Ed25519PrivateKey.from_private_bytes(one) for one in seal.derived(purpose)]

    @property
    def public_keys(self) -> Sequence[bytes]:
        """The public keys, 32 bytes each, that of the current signing key first."""
        return [key.public_key().public_bytes_raw() for key in self._keys]

    def sign(self, plain: bytes) -> Signature:
        """Return the signature of `plain` by the first key."""
        first = self._keys[0]
        return Signature(first.public_key().public_bytes_raw(), first.sign(plain))


def has_signed(plain: bytes, signature: Signature) -> bool:
    """Return whether the key that a signature names made it for `plain`."""
    try:
        Ed25519PublicKey.from_public_bytes(signature.public_key).verify(signature.value, plain)
    except (InvalidSignature, ValueError):
        return False
    return True

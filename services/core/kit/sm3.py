"""SM3, the digest of the national standard GB/T 32905-2016."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

DIGEST_BYTES = 32
"""So many bytes an SM3 digest has."""


def _of_openssl(plain: bytes) -> bytes:
    return hashlib.new("sm3", plain).digest()


def _of_cryptography(plain: bytes) -> bytes:
    hashing = hashes.Hash(hashes.SM3())
    hashing.update(plain)
    return hashing.finalize()


def _chosen() -> Callable[[bytes], bytes]:
    """Return the quicker of the two; Python may be built on an OpenSSL without SM3."""
    return _of_openssl if "sm3" in hashlib.algorithms_available else _of_cryptography


sm3 = _chosen()
"""Takes bytes and returns their SM3 digest, 32 bytes (GB/T 32905-2016)."""

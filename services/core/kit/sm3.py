"""SM3, the digest of the national standard GB/T 32905-2016."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

DIGEST_BYTES = 32
"""So many bytes an SM3 digest has."""


def _of_cryptography(plain: bytes) -> bytes:
    hashing = hashes.Hash(hashes.SM3())
    hashing.update(plain)
    return hashing.finalize()


def _chosen() -> Callable[[bytes], bytes]:
    """Return the quicker of the two; Python may be built on an OpenSSL without SM3."""
    if "sm3" not in hashlib.algorithms_available:
        return _of_cryptography
    begun = hashlib.new("sm3")

    def of_openssl(plain: bytes) -> bytes:
        # A copy, for OpenSSL takes as long to find a digest by its name as to make a short one.
        hashing = begun.copy()
        hashing.update(plain)
        return hashing.digest()

    return of_openssl


sm3 = _chosen()
"""Takes bytes and returns their SM3 digest, 32 bytes (GB/T 32905-2016)."""

"""SM3, the digest of the national standard GB/T 32905-2016."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

DIGEST_BYTES = 32
"""Bytes of an SM3 digest."""


def _of_cryptography(plain: bytes) -> bytes:
    hashing = hashes.Hash(hashes.SM3())
    hashing.update(plain)
    return hashing.finalize()


def _chosen() -> Callable[[bytes], bytes]:
    """Return the faster of the two implementations; Python's OpenSSL may lack SM3."""
    if "sm3" not in hashlib.algorithms_available:
        return _of_cryptography
    begun = hashlib.new("sm3")

    def of_openssl(plain: bytes) -> bytes:
        # A copy, because looking a digest up by name takes OpenSSL as long as a short digest.
        hashing = begun.copy()
        hashing.update(plain)
        return hashing.digest()

    return of_openssl


sm3 = _chosen()
"""Takes bytes and returns their SM3 digest, 32 bytes (GB/T 32905-2016)."""

"""Devices that sessions are bound to: each proves a key that never leaves the device. Pure.

A proof is a compact JWS (RFC 7515) whose payload is the refresh token itself, signed with ES256 by
the device's key. A refresh token is good once, so a proof is too, and it needs no clock.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.core.kit.errors import Fault
from services.core.kit.text import Text

ALGORITHM = "ES256"
LONGEST_PROOF = 2000
_CURVE = "P-256"
_MEMBERS = ("kty", "crv", "x", "y")


def device_key_faults(said: Mapping[str, Any], pointer: str) -> list[Fault]:
    """Return the faults of a device's public key."""
    if set(said) == set(_MEMBERS) and said["kty"] == "EC" and said["crv"] == _CURVE:
        try:
            ECKey.import_key({name: str(said[name]) for name in _MEMBERS}).get_op_key("verify")
        except (JoseError, ValueError, TypeError):
            pass
        else:
            return []
    return [
        Fault(
            pointer,
            "device-key-malformed",
            Text(
                "应为 P-256 公钥（JWK），只含 kty、crv、x、y",
                "Must be a public key of P-256 (JWK) with kty, crv, x and y alone",
            ),
        )
    ]


def is_proof(proof: str | None, refresh_token: str, device_key: Mapping[str, Any]) -> bool:
    """Return whether the holder of a device's key signed this refresh token."""
    if proof is None or len(proof) > LONGEST_PROOF or not proof.isascii():
        return False
    try:
        said = jws.deserialize_compact(
            proof, ECKey.import_key(dict(device_key)), algorithms=[ALGORITHM]
        )
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return bytes(said.payload) == refresh_token.encode()

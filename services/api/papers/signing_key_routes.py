"""The public keys that verify the files this installation signs, open to anybody."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.api.context import ResourcesDep
from services.api.contract.shown import answering
from services.api.routing import PublicRoute
from services.core.audit import linking
from services.core.drops import drop_lines
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from services.core.packages import signing
from services.core.papers import traced_files

router = APIRouter(
    tags=["papers"],
    route_class=PublicRoute,
    generate_unique_id_function=lambda route: route.name,
)

_KEPT_BY_OTHERS = {"Cache-Control": "public, max-age=600"}

SignedKind = Literal["papers", "packages", "file_drops", "audit"]

_PURPOSES: dict[SignedKind, str] = {
    "papers": traced_files.PURPOSE,
    "packages": signing.PURPOSE,
    "file_drops": drop_lines.PURPOSE,
    "audit": linking.PURPOSE,
}
"""The derivation purpose of each kind of key."""


class SigningKeyOut(BaseModel):
    """A public key that signs files of ours (RFC 7517, RFC 8037)."""

    kty: str = Field(description="Sort of key: `OKP`")
    crv: str = Field(description="Its curve: `Ed25519`")
    x: str = Field(description="The key, in base64url")
    kid: str = Field(description="Its thumbprint (RFC 7638)")
    use: str = Field(description="Always `sig`")
    alg: str = Field(description="The algorithm that it signs with: `EdDSA`")
    signs: SignedKind = Field(
        description="What it signs: papers and packs, packages, dropped files of events, or heads"
        " of the audit"
    )
    current: bool = Field(description="Whether it signs now; false: it did before, and is replaced")
    public_key: str = Field(description="The key as 64 digits, as `wufei verify` prints it")


class SigningKeysOut(BaseModel):
    """The public keys that files of ours are verified with."""

    keys: list[SigningKeyOut] = Field(
        description="Of each kind, the one that signs now first. Empty: nothing is signed here"
    )


@router.get("/.well-known/wufei-signing-keys.json", responses=answering("SigningKeys"))
async def read_signing_keys(resources: ResourcesDep, response: Response) -> SigningKeysOut:
    """Return the public keys that papers, packages, dropped files and audits are verified with.

    No key is needed to read them. They are none of those that tokens are verified with. A replaced
    key is here as long as `WUFEI_SECRET_KEY` has it.
    """
    response.headers.update(_KEPT_BY_OTHERS)
    return SigningKeysOut(keys=[] if resources.seal is None else published(resources.seal))


def published(seal: Seal) -> list[SigningKeyOut]:
    """Return the public keys derived from the sealing keys, of each kind the newest first."""
    return list(_keys(seal))


def _keys(seal: Seal) -> Iterator[SigningKeyOut]:
    for kind, purpose in _PURPOSES.items():
        for at, key in enumerate(Signer(seal, purpose).public_keys):
            x = _base64url(key)
            said = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
            yield SigningKeyOut(
                kty="OKP",
                crv="Ed25519",
                x=x,
                kid=_base64url(hashlib.sha256(said.encode()).digest()),
                use="sig",
                alg="EdDSA",
                signs=kind,
                current=at == 0,
                public_key=key.hex(),
            )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""Keys of peer installations: which sign our files, and which verify theirs. Pure."""

from collections.abc import Sequence
from uuid import UUID

from services.core.kit.sealing import CannotUnseal, Seal, SecretKeyNotSet
from services.core.kit.text import Text
from services.core.packages.errors import PackageRefused
from services.core.packages.manifests import CarriedFile
from services.core.packages.models import PackagePeer
from services.core.packages.signing import Trusted, own_key, public_bytes, unsigned
from services.core.webhooks.signing import SigningKey

_NOBODY_TRUSTED = Text(
    "对方 {peer} 既没有登记共享密钥，也没有登记公钥：无法核验签名",
    "{peer} has neither a shared secret nor a public key registered: no signature can be checked",
)
_SEALED_ELSEWHERE = Text(
    "对方 {peer} 的共享密钥打不开：封装它的 WUFEI_SECRET_KEY 不在",
    "the shared secret of {peer} cannot be opened: the WUFEI_SECRET_KEY it was sealed with is gone",
)


def secret_context(peer_id: UUID) -> str:
    """Return the context that a peer's sealed secret is bound to."""
    return f"package_peer.secret {peer_id}"


def signing_keys(peer: PackagePeer, seal: Seal) -> Sequence[SigningKey]:
    """Return the keys that sign a file for a peer: our own, and the shared secret."""
    secret = _secret(peer, seal)
    return [own_key(seal)] if secret is None else [secret, own_key(seal)]


def check_sender(peer: PackagePeer, carried: CarriedFile, seal: Seal | None) -> None:
    """Check a file's signatures against the keys of its sender.

    Raises:
        PackageRefused: a required signature is invalid, or no key is known.
        SecretKeyNotSet: nothing can be unsealed here.
    """
    keys = [one for one in map(public_bytes, peer.public_keys) if one is not None]
    trusted = Trusted(_secret(peer, seal), keys)
    if trusted.is_nobody:
        raise PackageRefused(_NOBODY_TRUSTED.format(peer=peer.peer_code))
    manifest = carried.manifest
    wrong = unsigned(carried.said, manifest.id, manifest.made_at, carried.signatures, trusted)
    if wrong is not None:
        raise PackageRefused(wrong)


def _secret(peer: PackagePeer, seal: Seal | None) -> SigningKey | None:
    if peer.secret_sealed is None:
        return None
    if seal is None:
        raise SecretKeyNotSet
    try:
        return SigningKey("v1", seal.unseal(peer.secret_sealed, secret_context(peer.id)))
    except CannotUnseal:
        raise PackageRefused(_SEALED_ELSEWHERE.format(peer=peer.peer_code)) from None

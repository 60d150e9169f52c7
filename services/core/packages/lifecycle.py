"""Registers and changes peer installations: who signs, and as which key they write here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.identity.actor import Actor
from services.core.identity.queries import actor_of_key
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.file_series import NOTHING_BEFORE
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.packages import queries
from services.core.packages.errors import PackageRefused
from services.core.packages.manifests import is_installation
from services.core.packages.models import PackagePeer
from services.core.packages.peer_keys import secret_context
from services.core.packages.signing import public_bytes, shared_key
from services.core.plan.queries import plan_codes
from services.core.plan.visibility import may_report_to

_CODE = Text(
    "应为小写字母、数字和连字符，至多 40 个，如 xinmi",
    "Must be up to 40 small letters, digits and hyphens, such as xinmi",
)
_SAME = Text("对方与本方不能同名", "The other installation is called as this one is")
_SECRET = Text("应为 whsec_ 开头的密钥", "Must be a secret that begins with whsec_")
_PUBLIC = Text("应为 whpk_ 开头的公钥", "Must be a public key that begins with whpk_")
_NO_KEY = Text(
    "没有这个有效的密钥，或它不能向这个计划填报（submissions:write）",
    "There is no such key that is good, or it may not report values to this plan"
    " (submissions:write)",
)
_TOO_MANY = Text(
    f"一个市至多登记 {queries.MOST_PEERS} 个对方",
    f"A city has {queries.MOST_PEERS} other installations at most",
)
_NO_PLAN = Text("没有这个计划", "There is no such plan")


@dataclass(frozen=True, slots=True)
class PeerRequest:
    """The settings of a peer installation; None leaves a setting as it is."""

    plan_code: str
    peer_code: str
    own_code: str
    key_id: UUID | None = None
    secret: str | None = None
    public_keys: tuple[str, ...] | None = None


async def register_peer(
    session: AsyncSession,
    city_code: str,
    request: PeerRequest,
    *,
    actor: Actor,
    seal: Seal,
    now: datetime,
) -> PackagePeer:
    """Register a peer installation, or change its settings.

    Raises:
        InvalidInput: the settings have faults, which are all reported.
        PackageRefused: the city has as many as it may have.
    """
    faults = list(_faults(request))
    if request.plan_code not in await plan_codes(session, city_code):
        faults.append(Fault("/plan", "plan-not-found", _NO_PLAN, request.plan_code))
    key_id = request.key_id
    if key_id is not None:
        writer = await actor_of_key(session, city_code, key_id, channel="package", now=now)
        if not may_report_to(writer, city_code=city_code, plan_code=request.plan_code):
            faults.append(Fault("/key", "key-not-found", _NO_KEY, str(key_id)))
    if faults:
        raise InvalidInput(faults=faults)
    await lock_name(session, f"package peers of {city_code}")
    found = await queries.peer(session, city_code, request.plan_code, request.peer_code, lock=True)
    if found is None and len(await queries.peers(session, city_code)) >= queries.MOST_PEERS:
        raise PackageRefused(_TOO_MANY)
    peer = found or _new(city_code, request, now)
    peer.own_code, peer.updated_at = request.own_code, now
    if key_id is not None:
        peer.key_id = key_id
    if request.secret is not None and (secret := shared_key(request.secret)) is not None:
        peer.secret_sealed = seal.seal(secret.secret, secret_context(peer.id))
    if request.public_keys is not None:
        peer.public_keys = [one.strip() for one in request.public_keys]
    session.add(peer)
    await session.flush()
    told = {
        "plan": peer.plan_code,
        "own": peer.own_code,
        "peer": peer.peer_code,
        "key_id": None if peer.key_id is None else str(peer.key_id),
        "shares_secret": peer.secret_sealed is not None,
        "public_keys": peer.public_keys,
    }
    action: AuditAction = "package_peer.created" if found is None else "package_peer.changed"
    stamp = actor.stamp()
    await note_of(session, "package_peer", peer, action, actor=stamp, data=told, at=now)
    return peer


def _new(city_code: str, request: PeerRequest, now: datetime) -> PackagePeer:
    return PackagePeer(
        city_code=city_code,
        id=new_id(),
        plan_code=request.plan_code,
        peer_code=request.peer_code,
        key_id=None,
        secret_sealed=None,
        public_keys=[],
        out_number=0,
        out_digest=NOTHING_BEFORE,
        out_position=0,
        out_reached=0,
        in_number=0,
        in_digest=NOTHING_BEFORE,
        created_at=now,
    )


def _faults(request: PeerRequest) -> Iterator[Fault]:
    for name, code in (("peer", request.peer_code), ("own", request.own_code)):
        if not is_installation(code):
            yield Fault(f"/{name}", "installation-code", _CODE, code)
    if request.peer_code == request.own_code:
        yield Fault("/peer", "same-installation", _SAME, request.peer_code)
    if request.secret is not None and shared_key(request.secret) is None:
        yield Fault("/secret", "shared-secret", _SECRET)
    for index, one in enumerate(request.public_keys or ()):
        if public_bytes(one) is None:
            yield Fault(f"/public_keys/{index}", "public-key", _PUBLIC, one)

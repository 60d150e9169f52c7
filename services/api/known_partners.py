"""Partners as a process caches them, and checks of the networks and operations they may use."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.core.gateways.errors import InterfaceNotAllowed
from services.core.gateways.profiles import Profile
from services.core.gateways.sm_envelope import SmKeys
from services.core.identity.actor import Actor
from services.core.identity.errors import NetworkNotAllowed
from services.core.identity.networks import Network, is_within
from services.core.kit.text import Text


class ActingAs(Protocol):
    """A key that a partner acts as, cached."""

    @property
    def actor(self) -> Actor:
        """The actor."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that it may be used from; empty: any."""


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """A partner that was looked up, with its secrets decrypted, cached until the next look-up."""

    until: datetime
    app_id: str
    city_code: str
    id: UUID
    key_id: UUID
    profile: Profile
    networks: tuple[Network, ...]
    interfaces: frozenset[str]
    output_fields: frozenset[str]
    per_minute: int
    per_day: int
    secrets: tuple[bytes, ...]
    sm_keys: tuple[SmKeys, ...] = ()


@dataclass(slots=True)
class SignedCall:
    """A verified request: its partner, its operation, and whether it was refused.

    `fault` None: the status of the answer decides. `members` are the contents of an envelope, by
    `sm_keys`.
    """

    partner: KnownPartner
    actor: Actor
    interface: str
    at: datetime
    fault: bool | None = None
    members: Mapping[str, Any] | None = None
    sm_keys: SmKeys | None = None


def check_networks(address: str | None, partner: KnownPartner, acting: ActingAs) -> None:
    """Refuse a call from outside the networks of the partner, or of the key that it acts as.

    Raises:
        NetworkNotAllowed: the address is outside one of them.
    """
    for networks in (partner.networks, acting.networks):
        if networks and not is_within(address, networks):
            shown = address or "-"
            raise NetworkNotAllowed(
                Text(
                    f"该对接方不能从 {shown} 调用；请管理员在 allowed_networks 中加入该网段",
                    f"The partner is not to call from {shown}: ask the administrator to add that"
                    " network to allowed_networks",
                )
            )


def check_interface(interface: str, partner: KnownPartner) -> None:
    """Refuse an operation that a partner may not call.

    Raises:
        InterfaceNotAllowed: it may not.
    """
    if interface not in partner.interfaces:
        raise not_allowed(partner.interfaces)


def not_allowed(interfaces: Collection[str]) -> InterfaceNotAllowed:
    """Return the refusal that lists the operations a partner may call."""
    listed = ", ".join(sorted(interfaces))
    return InterfaceNotAllowed(Text(f"该对接方可调用：{listed}", f"The partner may call: {listed}"))

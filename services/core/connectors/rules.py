"""Rules for connectors, and which figure of a slot is to be reported next. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args
from uuid import UUID

from services.core.connectors.mapping import OutgoingFigure, mapping_faults
from services.core.gateways.profiles import PROFILES, SignedPart
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.errors import Fault
from services.core.kit.nearest import with_nearest
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.webhooks.addresses import AddressPolicy, TargetUrl, read_url
from services.core.webhooks.rules import address_fault

ConnectorState = Literal["active", "failing", "disabled"]
ConnectorReason = Literal["new", "gone", "failing", "manual"]
ConnectorAction = Literal["edit", "rotate-secret", "test", "enable", "disable"]
ReportBasis = Literal["approved", "published"]
ItemState = Literal["unmapped", "pending", "unknown", "accepted", "refused", "failed", "superseded"]

CONNECTOR_STATES: tuple[ConnectorState, ...] = get_args(ConnectorState)
CONNECTOR_REASONS: tuple[ConnectorReason, ...] = get_args(ConnectorReason)
CONNECTOR_ACTIONS: tuple[ConnectorAction, ...] = get_args(ConnectorAction)
ITEM_STATES: tuple[ItemState, ...] = get_args(ItemState)

MOST_CONNECTORS = 50
"""Most connectors of a city."""

MOST_IN_BATCH = 50
"""Most items of a request."""

ADDRESSES = ("url", "receipts_url")
"""The settings that are destinations of signed requests."""

UNSENT: frozenset[str] = frozenset({"unmapped", "pending"})
"""States that cannot have reached the superior: a newer revision replaces such an item."""

PERHAPS_THEIRS: frozenset[str] = frozenset({"accepted", "unknown", "failed"})
"""States of items that the superior holds, or may hold."""

TRIED_AGAIN: frozenset[str] = frozenset({"refused", "failed"})
"""States of items that a person may send again."""


def knows_connectors(actor: Actor) -> bool:
    """Return whether an actor may see connectors at all.

    A connector belongs to the whole plan: an administrator of a unit sees none, and makes none.
    """
    return actor.reach is not Reach.NOTHING or actor.organization_code is None


def connector_actions(state: str, *, ended: bool) -> list[ConnectorAction]:
    """Return the actions that are possible on a connector in this state; none once it has ended."""
    if ended:
        return []
    enabling: list[ConnectorAction] = ["enable"] if state != "active" else []
    disabling: list[ConnectorAction] = ["disable"] if state != "disabled" else []
    return ["edit", "rotate-secret", "test", *enabling, *disabling]


def connector_faults(
    settings: Mapping[str, Any],
    *,
    plan: PlanState,
    policy: AddressPolicy,
    profile: str,
    signed_for: Collection[str] | None = None,
) -> Iterator[Fault]:
    """Yield every fault of those settings that are given.

    `signed_for` are the hosts that requests are signed for with a stored secret; None: there is
    none, or all is new.
    """
    for name in ADDRESSES:
        if settings.get(name) is not None:
            fault = address_fault(settings[name], policy, f"/{name}")
            if fault is not None:
                yield fault
    for place, code in enumerate(settings.get("indicator_codes", ())):
        if code not in plan.indicators:
            said = Text("计划中没有这个指标", "The plan has no such indicator")
            told = with_nearest(said, code, plan.indicators)
            yield Fault(f"/indicator_codes/{place}", "unknown-code", told, code)
    if "mapping" in settings:
        yield from mapping_faults(settings["mapping"], plan)
    yield from _secret_faults(settings, signed_for)
    names_interface = SignedPart.INTERFACE in PROFILES[profile].places
    if "interface" in settings and (settings["interface"] is not None) != names_interface:
        said = (
            Text(f"签名方式 {profile} 须填写接口标识", f"The profile {profile} names an interface")
            if names_interface
            else Text(f"签名方式 {profile} 没有接口标识", f"The profile {profile} names none")
        )
        yield Fault("/interface", "interface-of-profile", said, settings["interface"])


def _secret_faults(
    settings: Mapping[str, Any], signed_for: Collection[str] | None
) -> Iterator[Fault]:
    if signed_for is not None and "secret" not in settings and reaches_beyond(settings, signed_for):
        said = Text(
            "更换主机时须一并重新填写 secret；此前的密钥不用于新主机",
            "With another host give `secret` anew: nothing is signed for it with the one of before",
        )
        yield Fault("/secret", "secret-given-anew", said)


def reaches_beyond(settings: Mapping[str, Any], hosts: Collection[str]) -> bool:
    """Return whether settings send requests to a host that is not among `hosts`.

    Not every profile signs the whole request: such a recipient could send another in its place.
    """
    found = [read_url(settings[name]) for name in ADDRESSES if settings.get(name) is not None]
    return any(isinstance(one, TargetUrl) and one.origin not in hosts for one in found)


@dataclass(frozen=True, slots=True)
class HeldFigure:
    """The figure that counts at a place now: the approved revision of a submission."""

    submission_id: UUID
    revision: int
    figure: OutgoingFigure


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An item of a place that was not superseded, with what decides the next step."""

    id: UUID
    submission_id: UUID
    revision: int
    withdrawn: bool
    state: str

    def reports(self, submission_id: UUID, revision: int, *, withdrawn: bool) -> bool:
        """Return whether it reports this revision, or withdraws it."""
        return (self.submission_id, self.revision, self.withdrawn) == (
            submission_id,
            revision,
            withdrawn,
        )


@dataclass(frozen=True, slots=True)
class Queueing:
    """The changes at a place: superseded items, and what is to be reported."""

    superseded: Sequence[UUID] = ()
    new: HeldFigure | None = None
    kept: UUID | None = field(default=None)
    """An item that stays queued; its mapping may have changed."""


def queueing(
    held: HeldFigure | None,
    items: Sequence[QueuedItem],
    *,
    place: tuple[str, str, str],
    selected: bool,
) -> Queueing:
    """Return the changes at a place, given the figure that counts and its items, oldest first.

    A place that is not `selected` is no longer reported, and its earlier reports stay.
    """
    unsent = [one for one in items if one.state in UNSENT]
    if not selected:
        return Queueing([one.id for one in unsent])
    wanted = held or _taking_back(items, place)
    if wanted is None:
        return Queueing([one.id for one in unsent])
    key = (wanted.submission_id, wanted.revision)
    fits = [one for one in unsent if one.reports(*key, withdrawn=wanted.figure.withdrawn)]
    others = [one.id for one in unsent if one not in fits]
    if fits:
        return Queueing(others, kept=fits[-1].id)
    sent = [one for one in items if one.state not in UNSENT]
    last = sent[-1] if sent else None
    if last is not None and last.reports(*key, withdrawn=wanted.figure.withdrawn):
        return Queueing(others)
    return Queueing(others, wanted)


def _taking_back(items: Sequence[QueuedItem], place: tuple[str, str, str]) -> HeldFigure | None:
    """Return the withdrawal of the newest item that the superior may hold; None: it holds none."""
    sent = [one for one in items if one.state not in UNSENT]
    theirs = [one for one in sent if one.state in PERHAPS_THEIRS]
    if sent and sent[-1].withdrawn:
        theirs = sent[-1:]
    if not theirs:
        return None
    newest = theirs[-1]
    if newest.withdrawn and newest.state == "accepted":
        return None
    return HeldFigure(newest.submission_id, newest.revision, OutgoingFigure(*place, withdrawn=True))


class Selecting(Protocol):
    """The settings of a connector that select its figures."""

    basis: Any
    indicator_codes: Any


def reports(connector: Selecting, plan: PlanState, *, indicator_code: str, period: str) -> bool:
    """Return whether a connector reports figures of an indicator in a period, by the present plan.

    Queueing, sending, resending and comparing all use this. Indicators that are no longer in the
    plan are not reported.
    """
    return indicator_code in plan.indicators and is_selected(
        basis=connector.basis,
        indicator_codes=connector.indicator_codes,
        indicator_code=indicator_code,
        period_state=plan.period_state(period),
    )


def is_selected(
    *, basis: str, indicator_codes: Collection[str], indicator_code: str, period_state: str
) -> bool:
    """Return whether a connector reports figures of an indicator in a period of this state."""
    if indicator_codes and indicator_code not in indicator_codes:
        return False
    return basis == "approved" or period_state == "published"

"""Makes, changes, tries, opens and closes connectors. Each change is written to the audit.

Every change is also an event, on which the queue is compared again with the figures that count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.connectors import queries
from services.core.connectors.connector_events import of_connector
from services.core.connectors.errors import (
    ConnectorTransitionRefused,
    ConnectorUnprovisioned,
    ConnectorUntested,
    TooManyConnectors,
)
from services.core.connectors.messages import (
    connector_secret_context,
    receipts_context,
    url_context,
)
from services.core.connectors.models import Connector
from services.core.connectors.rules import (
    ADDRESSES,
    MOST_CONNECTORS,
    ConnectorAction,
    connector_actions,
    connector_faults,
    knows_connectors,
)
from services.core.connectors.statements import LEAVE
from services.core.events.service import record
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.plan.state import PlanState
from services.core.webhooks.addresses import AddressPolicy, TargetUrl, read_url
from services.core.webhooks.rules import origin_of_shown

_TRIED_ANEW = frozenset({*ADDRESSES, "app_id", "secret", "interface", "mapping"})
"""Settings whose change requires another try."""


@dataclass(frozen=True, slots=True)
class ConnectorDesk:
    """The actor on a connector, and the context in which its settings are validated and stored."""

    actor: Actor
    plan: PlanState
    policy: AddressPolicy
    seal: Seal | None
    now: datetime


async def create_connector(
    session: AsyncSession, settings: Mapping[str, Any], desk: ConnectorDesk
) -> Connector:
    """Make a connector, disabled until it is tried and enabled; present figures are queued at once.

    Raises:
        Forbidden: the actor is one of a unit, see `check_maker`.
        InvalidInput: the settings have faults.
        SecretKeyNotSet: nothing can be sealed here.
        TooManyConnectors: the city has as many as it may have.
    """
    check_maker(desk.actor)
    profile = settings["profile"]
    _refuse(
        connector_faults(
            {"interface": None, **settings}, plan=desk.plan, policy=desk.policy, profile=profile
        )
    )
    if desk.seal is None:
        raise SecretKeyNotSet
    city = desk.plan.city_code
    await lock_name(session, f"connectors of {city}")
    if await queries.connector_count(session, city) >= MOST_CONNECTORS:
        raise TooManyConnectors
    connector = Connector(
        city_code=city,
        id=new_id(),
        plan_code=desk.plan.code,
        profile=profile,
        receipts_url_sealed=None,
        receipts_url_shown=None,
        secret_sealed=None,
        former_secret_sealed=None,
        former_secret_expires_at=None,
        secret_refused_since=None,
        secret_refused_at=None,
        ended_at=None,
        state="disabled",
        state_reason="new",
        tested_at=None,
        failing_since=None,
        warned=0,
        consecutive_failures=0,
        paused_until=None,
        lease_token=None,
        lease_until=None,
        created_at=desk.now,
        updated_at=desk.now,
        version=1,
    )
    _set(connector, settings, desk.seal)
    session.add(connector)
    await session.flush()
    await _noted(session, connector, "connector.created", desk, connector_settings(connector))
    return connector


def check_maker(actor: Actor) -> None:
    """Check that the actor may make a connector.

    Raises:
        Forbidden: a connector belongs to the whole plan, and the actor to a unit.
    """
    if not knows_connectors(actor):
        raise takes("全市或整个计划的管理密钥", "a key of the whole city or plan")


def _refuse(faults: Any) -> None:
    found: list[Fault] = list(faults)
    if found:
        raise InvalidInput(faults=found)


def _set(connector: Connector, settings: Mapping[str, Any], seal: Seal) -> None:
    """Set the given settings, which have no faults."""
    for name in ("name", "app_id", "interface", "mapping", "basis", "indicator_codes"):
        if name in settings:
            setattr(connector, name, settings[name])
    for name in ("batch_size", "pause_seconds"):
        if name in settings:
            setattr(connector, name, settings[name])
    if "url" in settings:
        connector.url_shown = _shown(settings["url"])
        connector.url_sealed = seal.seal(settings["url"].encode(), url_context(connector.id))
    if "receipts_url" in settings:
        url = settings["receipts_url"]
        connector.receipts_url_shown = None if url is None else _shown(url)
        connector.receipts_url_sealed = (
            None if url is None else seal.seal(url.encode(), receipts_context(connector.id))
        )
    if settings.get("secret") is not None:
        connector.secret_sealed = seal.seal(
            settings["secret"].encode(), connector_secret_context(connector.id)
        )


def _shown(url: str) -> str:
    target = read_url(url)
    assert isinstance(target, TargetUrl)  # noqa: S101 (what has faults is refused before)
    return target.shown


async def edit_connector(
    session: AsyncSession, connector: Connector, settings: Mapping[str, Any], desk: ConnectorDesk
) -> None:
    """Change the given settings of a locked connector; without any, nothing is written.

    Payloads sent under an earlier mapping stay as they were sent. After a change of content or
    destination the connector must be tried again before it can be enabled; an active one goes on.

    Another host needs a secret that is given with the change; the former secret then ends at once.

    Raises:
        InvalidInput: they have faults.
        ConnectorTransitionRefused: it has ended.
        SecretKeyNotSet: nothing can be sealed here.
    """
    hosts = _hosts_of(connector)
    _refuse(
        connector_faults(
            settings,
            plan=desk.plan,
            policy=desk.policy,
            profile=connector.profile,
            signed_for=None if connector.secret_sealed is None else hosts,
        )
    )
    check_action(connector, "edit")
    if not settings:
        return
    if desk.seal is None:
        raise SecretKeyNotSet
    if "secret" in settings:
        connector.end_former_secret()
    _set(connector, settings, desk.seal)
    if _TRIED_ANEW & set(settings):
        connector.tested_at = None
    await _changed(session, connector, desk.now)
    shown = connector_settings(connector)
    told: dict[str, object] = {name: shown[name] for name in settings if name in shown}
    if "secret" in settings:
        told["secret_given_anew"] = True
    await _noted(session, connector, "connector.changed", desk, told)


def _hosts_of(connector: Connector) -> frozenset[str]:
    """Return the hosts that its requests are signed for."""
    shown = (connector.url_shown, connector.receipts_url_shown)
    return frozenset(origin_of_shown(one) for one in shown if one is not None)


async def give_secret(
    session: AsyncSession,
    connector: Connector,
    secret: str,
    overlap: timedelta,
    *,
    true_now: datetime,
    desk: ConnectorDesk,
) -> None:
    """Sign with another secret, which the superior issued, from the next request on.

    The secret before stays valid for the overlap, for when the superior does not accept the new
    one. At most two are valid: one that was replaced earlier ends now. If the superior refuses the
    present one, that one ends, and the accepted one stays.

    Raises:
        ConnectorTransitionRefused: it has ended.
        SecretKeyNotSet: nothing can be sealed here.
    """
    check_action(connector, "rotate-secret")
    if desk.seal is None:
        raise SecretKeyNotSet
    connector.keep_former_secret(overlap, true_now)
    _set(connector, {"secret": secret}, desk.seal)
    connector.tested_at = None
    await _changed(session, connector, desk.now)
    told = {"overlap_seconds": int(overlap.total_seconds())}
    await _noted(session, connector, "connector.secret_changed", desk, told)


async def note_tried(
    session: AsyncSession, connector: Connector, desk: ConnectorDesk, *, missing: int
) -> None:
    """Note a dry run; if no code was missing, the connector may be enabled."""
    connector.tested_at = desk.now if not missing else None
    await _changed(session, connector, desk.now)
    data: dict[str, object] = {"missing": missing}
    await note_of(
        session,
        "connector",
        connector,
        "connector.tested",
        actor=desk.actor.stamp(),
        data=data,
        at=desk.now,
    )


async def enable_connector(
    session: AsyncSession, connector: Connector, *, desk: ConnectorDesk
) -> None:
    """Enable a connector and reset its failures.

    Raises:
        ConnectorTransitionRefused: it is active.
        ConnectorUnprovisioned: the superior has given no credentials yet.
        ConnectorUntested: its settings were not tried since they changed.
    """
    check_action(connector, "enable")
    if not provisioned(connector):
        raise ConnectorUnprovisioned
    if connector.tested_at is None:
        raise ConnectorUntested
    connector.state, connector.state_reason = "active", None
    connector.failing_since = connector.paused_until = None
    connector.warned = connector.consecutive_failures = 0
    await _changed(session, connector, desk.now)
    await _noted(session, connector, "connector.enabled", desk, {})


async def disable_connector(
    session: AsyncSession, connector: Connector, *, desk: ConnectorDesk
) -> None:
    """Disable a connector: nothing is sent, but its queue is still maintained.

    Raises:
        ConnectorTransitionRefused: it is disabled.
    """
    check_action(connector, "disable")
    connector.state, connector.state_reason = "disabled", "manual"
    await _changed(session, connector, desk.now)
    data = {"reason": "manual", "percent": 0, "failing_since": None, "consecutive_failures": 0}
    await note_of(
        session,
        "connector",
        connector,
        "connector.disabled",
        actor=desk.actor.stamp(),
        data={"reason": "manual"},
        at=desk.now,
    )
    happening = of_connector(connector, "connector.disabled", desk.actor.stamp(), data, desk.now)
    await record(session, happening)


async def end_connector(
    session: AsyncSession, connector: Connector, *, desk: ConnectorDesk
) -> None:
    """End a locked connector for good. Idempotent.

    Its address and secrets are deleted. Queued items are taken off the queue, and unanswered ones
    become failed. Reported items stay readable and comparable.

    Raises:
        SecretKeyNotSet: nothing can be sealed here.
    """
    if connector.ended_at is not None:
        return
    if desk.seal is None:
        raise SecretKeyNotSet
    settings = connector_settings(connector)
    connector.ended_at, connector.tested_at = desk.now, None
    if connector.state != "disabled":
        connector.state, connector.state_reason = "disabled", "manual"
    connector.url_sealed = desk.seal.seal(b"", url_context(connector.id))
    connector.receipts_url_sealed = connector.secret_sealed = None
    connector.end_former_secret()
    await _changed(session, connector, desk.now)
    given = {"city": connector.city_code, "connectors": [connector.id], "now": desk.now}
    await session.execute(LEAVE, given)
    await _noted(session, connector, "connector.ended", desk, settings)


def provisioned(connector: Connector) -> bool:
    """Return whether it has the superior's credentials."""
    return connector.app_id is not None and connector.secret_sealed is not None


def check_action(connector: Connector, action: ConnectorAction) -> None:
    """Check that the connector's state allows an action.

    Raises:
        ConnectorTransitionRefused: it does not; `extra` lists the allowed actions.
    """
    allowed = connector_actions(connector.state, ended=connector.ended_at is not None)
    if action not in allowed:
        raise ConnectorTransitionRefused(
            extra={"state": connector.state, "allowed_actions": allowed}
        )


async def _changed(session: AsyncSession, connector: Connector, now: datetime) -> None:
    connector.updated_at = now
    connector.version += 1
    await session.flush()


def connector_settings(connector: Connector) -> dict[str, object]:
    """Return the settings as the audit stores them: no secret, and addresses without tokens."""
    return {
        "name": connector.name,
        "plan": connector.plan_code,
        "url": connector.url_shown,
        "receipts_url": connector.receipts_url_shown,
        "profile": connector.profile,
        "app_id": connector.app_id,
        "interface": connector.interface,
        "mapping": connector.mapping,
        "basis": connector.basis,
        "indicator_codes": connector.indicator_codes,
        "batch_size": connector.batch_size,
        "pause_seconds": connector.pause_seconds,
    }


async def _noted(
    session: AsyncSession,
    connector: Connector,
    action: AuditAction,
    desk: ConnectorDesk,
    data: Mapping[str, object],
) -> None:
    """Write a change into the audit and the log."""
    await note_of(
        session, "connector", connector, action, actor=desk.actor.stamp(), data=data, at=desk.now
    )
    told = {"change": action.removeprefix("connector."), "state": connector.state}
    happening = of_connector(connector, "connector.changed", desk.actor.stamp(), told, desk.now)
    await record(session, happening)

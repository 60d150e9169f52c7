"""Makes and edits endpoints and rotates their secrets. Each change is written to the audit."""

from datetime import datetime, timedelta
from decimal import Decimal

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.events.queries import log_position
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.clock import Clock
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.secrets import MOST_OLD_SECRETS, TooManyOldSecrets
from services.core.webhooks import queries
from services.core.webhooks.addresses import TargetUrl, read_url
from services.core.webhooks.errors import (
    NothingToRotate,
    TooManyEndpoints,
)
from services.core.webhooks.models import WebhookEndpoint, WebhookSecret
from services.core.webhooks.rules import (
    MOST_ENDPOINTS,
    Format,
    Manner,
    Settings,
    SettingsContext,
    headers_faults,
    key_of,
    manner_faults,
    origin_of_shown,
    owner_of,
    settings_faults,
    signs,
)
from services.core.webhooks.signing import SigningKey


async def create_endpoint(
    session: AsyncSession,
    *,
    settings: Settings,
    manner: Manner,
    actor: Actor,
    ground: SettingsContext,
    seal: Seal | None,
    clock: Clock,
) -> tuple[WebhookEndpoint, SigningKey | None]:
    """Make an endpoint, and return it with its key, shown only now; a robot's is never shown.

    It gets events from now on, within the actor's scope.

    Raises:
        Forbidden: the actor may not read events itself.
        InvalidInput: the settings or the secret have faults.
        SecretKeyNotSet: nothing can be sealed here.
        TooManyEndpoints: the city has as many as it may have.
    """
    if not actor.may(Permission.READ_EVENTS):
        raise takes("密钥带有权限范围 events:read", "the scope events:read on the key")
    faults = [
        *settings_faults(settings, manner.format, actor=actor, ground=ground),
        *manner_faults(manner),
    ]
    if faults:
        raise InvalidInput(faults=faults)
    if seal is None:
        raise SecretKeyNotSet
    await lock_name(session, f"webhook endpoints of {actor.city_code}")
    if await queries.endpoint_count(session, actor.city_code) >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = _new_endpoint(actor, manner, clock)
    endpoint.planned_from = await log_position(session, actor.city_code)
    _set(endpoint, settings, seal)
    session.add(endpoint)
    await session.flush()
    key = key_of(manner)
    if key is not None:
        await _add_secret(session, endpoint, key, seal, clock.true_now())
    shown = shown_settings(endpoint)
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.created",
        actor=actor.stamp(),
        data=shown,
        at=endpoint.created_at,
    )
    return endpoint, key if manner.format == "standard" else None


def _new_endpoint(actor: Actor, manner: Manner, clock: Clock) -> WebhookEndpoint:
    now = clock.now()
    return WebhookEndpoint(
        city_code=actor.city_code,
        id=new_id(),
        plan_code=None,
        organization_code=None,
        format=manner.format,
        signature=manner.signature,
        event_types=[],
        description=None,
        rate_per_minute=None,
        state="active",
        state_reason=None,
        owner_credential_id=actor.credential_id,
        owner=dict(owner_of(actor)),
        failing_since=None,
        warned=0,
        consecutive_failures=0,
        paused_until=None,
        tokens=Decimal(0),
        tokens_at=clock.true_now(),
        created_at=now,
        updated_at=now,
        version=1,
    )


_PLAIN = ("event_types", "plan_code", "organization_code", "description", "rate_per_minute")


def _set(endpoint: WebhookEndpoint, settings: Settings, seal: Seal | None) -> None:
    """Set the given settings, which have no faults.

    Raises:
        SecretKeyNotSet: a setting has to be sealed, and there is no key.
    """
    for name in _PLAIN:
        if name in settings:
            setattr(endpoint, name, settings[name])
    if "url" not in settings and "headers" not in settings:
        return
    if seal is None:
        raise SecretKeyNotSet
    if "url" in settings:
        target = read_url(settings["url"])
        assert isinstance(target, TargetUrl)  # noqa: S101 (what has faults is refused before)
        endpoint.url_shown, endpoint.host = target.shown, target.host
        endpoint.url_sealed = seal.seal(target.url.encode(), f"webhook_endpoint.url {endpoint.id}")
    if "headers" in settings:
        endpoint.header_names = sorted(settings["headers"])
        endpoint.headers_sealed = seal.seal(
            to_json(settings["headers"]), f"webhook_endpoint.headers {endpoint.id}"
        )


async def edit_endpoint(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    *,
    settings: Settings,
    actor: Actor,
    ground: SettingsContext,
    seal: Seal | None,
    now: datetime,
) -> None:
    """Change the given settings. A key of the owner's scope becomes the owner.

    Without settings nothing is written, and the owner stays.

    Raises:
        InvalidInput: they have faults.
        SecretKeyNotSet: a setting has to be sealed, and there is no key.
    """
    format_: Format = endpoint.format  # type: ignore[assignment] # a check of the table
    faults = list(settings_faults(settings, format_, actor=actor, ground=ground))
    faults += anew_faults(endpoint, settings)
    if faults:
        raise InvalidInput(faults=faults)
    if not settings:
        return
    _set(endpoint, settings, seal)
    take_over(endpoint, actor)
    shown = shown_settings(endpoint)
    names = {"plan" if name == "plan_code" else name for name in settings}
    await changed(session, endpoint, now)
    told = {name: shown[name] for name in names}
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.changed",
        actor=actor.stamp(),
        data=told,
        at=now,
    )


def anew_faults(endpoint: WebhookEndpoint, settings: Settings) -> list[Fault]:
    """Return faults for the values that a change must give anew, being for the old host only."""
    origin = origin_of_shown(endpoint.url_shown)
    return list(headers_faults(settings, origin=origin, names=endpoint.header_names))


async def rotate_secret(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    *,
    secret: str | None,
    overlap: timedelta,
    actor: Actor,
    seal: Seal | None,
    clock: Clock,
) -> SigningKey | None:
    """Sign with a new key from now on, and with older ones for the overlap at most.

    Returns the key, which is shown only now; a robot has none to show.

    Raises:
        NothingToRotate: the robot signs nothing.
        InvalidInput: the given secret has faults.
        TooManyOldSecrets: ten older ones would sign beside it.
        SecretKeyNotSet: nothing can be sealed here.
    """
    manner = Manner(endpoint.format, endpoint.signature, secret)  # type: ignore[arg-type]
    if not signs(manner.format):
        raise NothingToRotate
    faults = list(manner_faults(manner, rotating=True))
    if faults:
        raise InvalidInput(faults=faults)
    if seal is None:
        raise SecretKeyNotSet
    true_now = clock.true_now()
    until = true_now + overlap
    live = await queries.secrets_of(session, endpoint.city_code, [endpoint.id], now=true_now)
    if overlap and len(live[endpoint.id]) > MOST_OLD_SECRETS:
        raise TooManyOldSecrets
    for old in live[endpoint.id]:
        old.expires_at = until if old.expires_at is None else min(old.expires_at, until)
    key = key_of(manner)
    assert key is not None  # noqa: S101 (what signs has a key)
    await _add_secret(session, endpoint, key, seal, true_now)
    await changed(session, endpoint, clock.now())
    data = {"overlap_seconds": int(overlap.total_seconds()), "kind": key.kind}
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.secret_rotated",
        actor=actor.stamp(),
        data=data,
        at=endpoint.updated_at,
    )
    return key if manner.format == "standard" else None


async def _add_secret(
    session: AsyncSession, endpoint: WebhookEndpoint, key: SigningKey, seal: Seal, now: datetime
) -> None:
    secret_id = new_id()
    session.add(
        WebhookSecret(
            city_code=endpoint.city_code,
            endpoint_id=endpoint.id,
            id=secret_id,
            kind=key.kind,
            secret_sealed=seal.seal(key.secret, f"webhook_secret {secret_id}"),
            public_key=key.public_text,
            created_at=now,
            expires_at=None,
        )
    )
    await session.flush()


def take_over(endpoint: WebhookEndpoint, actor: Actor) -> bool:
    """Make the actor the owner of an endpoint in its scope; return whether it is."""
    if endpoint.owner != owner_of(actor):
        return False
    endpoint.owner_credential_id = actor.credential_id
    return True


async def changed(session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Write somebody's change of an endpoint."""
    endpoint.updated_at = now
    endpoint.version += 1
    await session.flush()


def shown_settings(endpoint: WebhookEndpoint) -> dict[str, object]:
    """Return the settings as the audit stores them: no token, no value of a header."""
    return {
        "url": endpoint.url_shown,
        "format": endpoint.format,
        "signature": endpoint.signature,
        "event_types": endpoint.event_types,
        "plan": endpoint.plan_code,
        "organization_code": endpoint.organization_code,
        "description": endpoint.description,
        "rate_per_minute": endpoint.rate_per_minute,
        "headers": endpoint.header_names,
    }

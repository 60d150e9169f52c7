"""Sign-in providers: set up, changed and ended by the security administrator.

Secrets are sealed and never shown, because they belong to the app and are not ours to give out.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.identity.actor import Actor
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.sealing import CannotUnseal, Seal, SecretKeyNotSet
from services.core.kit.text import Text
from services.core.people import queries
from services.core.people.errors import ProviderEnded, TooManyProviders
from services.core.people.models import LinkedAccount, Provider
from services.core.people.provider_calls import Given
from services.core.people.provider_envelope import IV_BYTES, KEY_BYTES
from services.core.people.provider_families import FAMILIES, SecretName

_LINK_KEY_BYTES = 32
_SECRETS: tuple[SecretName, ...] = ("secret", "cipher_key", "cipher_iv")
_AGREED = frozenset({"base_url", "app_id", *_SECRETS})
"""If one of these changes, the stored app token is no longer valid."""

_WHO_ANSWERS = ("base_url", "app_id")
"""If one of these changes, another app answers: the former secrets and links are not its own.
Otherwise whoever changed the address alone would be sent the app's secret, and could sign in as
anybody."""

AppSettings = Mapping[str, Any]
"""The settings of a provider, by member; secrets are unsealed."""


def secrets_context(provider_id: UUID) -> str:
    """Return the context that a provider's sealed secrets are bound to."""
    return f"sign_in_provider.secrets:{provider_id}"


def link_key_context(provider_id: UUID) -> str:
    """Return the context that a provider's sealed link key is bound to."""
    return f"sign_in_provider.link_key:{provider_id}"


def token_context(provider_id: UUID) -> str:
    """Return the context that a sealed app token is bound to."""
    return f"sign_in_provider.token:{provider_id}"


async def create_provider(
    session: AsyncSession,
    *,
    settings: AppSettings,
    faults: Sequence[Fault],
    actor: Actor,
    seal: Seal | None,
    now: datetime,
) -> Provider:
    """Set up a provider; `faults` are those of its address, which the caller has checked.

    Raises:
        InvalidInput: the settings have faults, or another provider has the code.
        SecretKeyNotSet: no sealing key is configured.
        TooManyProviders: the city has as many as it may have.
    """
    found = [*faults, *settings_faults(settings, settings["family"])]
    await lock_name(session, f"sign-in providers of {actor.city_code}")
    if await queries.provider_by_code(session, actor.city_code, settings["code"]) is not None:
        said = Text("该代码已被使用", "A provider has this code already")
        found.append(Fault("/code", "provider-code-taken", said, settings["code"]))
    if found:
        raise InvalidInput(faults=found)
    if seal is None:
        raise SecretKeyNotSet
    standing = await queries.standing_providers(session, actor.city_code)
    if len(standing) >= queries.MOST_PROVIDERS:
        raise TooManyProviders
    provider_id = new_id()
    provider = Provider(
        city_code=actor.city_code,
        id=provider_id,
        code=settings["code"],
        name=settings["name"],
        family=settings["family"],
        base_url=settings["base_url"].rstrip("/"),
        app_id=settings["app_id"],
        module_id=settings.get("module_id"),
        secrets_sealed=_sealed(seal, provider_id, settings),
        link_key_sealed=_new_link_key(seal, provider_id),
        token_sealed=None,
        token_until=None,
        created_at=now,
        ended_at=None,
        version=1,
    )
    session.add(provider)
    await session.flush()
    told = {"code": provider.code, "family": provider.family, "base_url": provider.base_url}
    await note_of(
        session,
        "sign_in_provider",
        provider,
        "sign_in_provider.created",
        actor=actor.stamp(),
        data=told,
        at=now,
    )
    return provider


async def edit_provider(
    session: AsyncSession,
    provider: Provider,
    *,
    changes: AppSettings,
    faults: Sequence[Fault],
    actor: Actor,
    seal: Seal | None,
    now: datetime,
) -> None:
    """Change the given settings of a locked provider.

    Links stay, unless another app answers from now on: another address or `app_id` removes all
    links, and requires the secrets to be given with it.

    Raises:
        InvalidInput: the settings have faults, or lack a secret that must be given anew.
        ProviderEnded: it has ended.
        SecretKeyNotSet: its secrets cannot be opened and sealed here.
    """
    anew = _is_another(provider, changes)
    found = [
        *faults,
        *settings_faults(changes, provider.family, changed=changes.keys()),
        *(_lacking_secrets(changes, provider.family) if anew else ()),
    ]
    if found:
        raise InvalidInput(faults=found)
    if provider.ended_at is not None:
        raise ProviderEnded
    if not changes:
        return
    _set(provider, changes, seal)
    if anew:
        # A new key too, so that a link that is being made through the former app matches nobody.
        provider.link_key_sealed = _new_link_key(seal, provider.id)
    provider.version += 1
    await session.flush()
    # The names of changed members, and the new address; never secrets.
    told: dict[str, object] = {"changed": sorted(changes), "base_url": provider.base_url}
    if anew:
        told["links_ended"] = await _end_links(session, provider)
    await note_of(
        session,
        "sign_in_provider",
        provider,
        "sign_in_provider.changed",
        actor=actor.stamp(),
        data=told,
        at=now,
    )


def _set(provider: Provider, changes: AppSettings, seal: Seal | None) -> None:
    """Apply the given settings, which have no faults."""
    if changes.keys() & set(_SECRETS):
        provider.secrets_sealed = _renewed(provider, changes, seal)
    for name in ("name", "app_id", "module_id"):
        if name in changes:
            setattr(provider, name, changes[name])
    if "base_url" in changes:
        provider.base_url = changes["base_url"].rstrip("/")
    if _AGREED & changes.keys():
        provider.token_sealed = provider.token_until = None


def _is_another(provider: Provider, changes: AppSettings) -> bool:
    """Return whether another app answers after some changes."""
    return any(
        name in changes and changes[name].rstrip("/") != getattr(provider, name).rstrip("/")
        for name in _WHO_ANSWERS
    )


def _lacking_secrets(changes: AppSettings, family: str) -> list[Fault]:
    said = Text(
        "更换接口地址或标识时，须一并重新填写各项密钥；原有账号关联随即全部解除",
        "With another address or app_id give every secret anew; all links end then",
    )
    wanted = FAMILIES[family].secrets
    return [Fault(f"/{name}", "secret-given-anew", said) for name in wanted if name not in changes]


async def _end_links(session: AsyncSession, provider: Provider) -> int:
    """Delete all account links of a provider; return how many there were."""
    ended = await session.scalars(
        delete(LinkedAccount)
        .where(
            LinkedAccount.city_code == provider.city_code,
            LinkedAccount.provider_id == provider.id,
        )
        .returning(LinkedAccount.person_id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


async def end_provider(
    session: AsyncSession, provider: Provider, *, actor: Actor, now: datetime
) -> None:
    """End a locked provider: its secrets and links are deleted, and nobody can sign in by it.

    Sessions that it has begun go on. Idempotent.
    """
    if provider.ended_at is not None:
        return
    provider.ended_at = now
    provider.secrets_sealed = provider.link_key_sealed = None
    provider.token_sealed = provider.token_until = None
    provider.version += 1
    await session.flush()
    told = {"code": provider.code, "links_ended": await _end_links(session, provider)}
    await note_of(
        session,
        "sign_in_provider",
        provider,
        "sign_in_provider.ended",
        actor=actor.stamp(),
        data=told,
        at=now,
    )


def settings_faults(settings: AppSettings, family: str, *, changed: Any = None) -> Sequence[Fault]:
    """Return the faults in settings of a provider of a family.

    `changed` are the members that were given, None: all; faults of other members are left out.
    """
    of_family = FAMILIES[family]
    faults = []
    for name in (*_SECRETS[1:], "module_id"):
        wanted = name in of_family.secrets or (name == "module_id" and of_family.needs_module)
        there = settings.get(name) is not None
        if wanted and not there:
            said = Text(f"{of_family.title.zh}须填写 {name}", f"{family} needs {name}")
            faults.append(Fault(f"/{name}", "missing", said))
        elif there and not wanted:
            said = Text(f"{of_family.title.zh}没有 {name}", f"{family} has no {name}")
            faults.append(Fault(f"/{name}", "provider-member-not-taken", said))
    for name, lengths in (("cipher_key", KEY_BYTES), ("cipher_iv", (IV_BYTES,))):
        text = settings.get(name)
        if text is not None and name in of_family.secrets and _length(text) not in lengths:
            listed = "/".join(map(str, lengths))
            said = Text(f"应为 {listed} 字节的 base64", f"Must be base64 of {listed} bytes")
            faults.append(Fault(f"/{name}", "cipher-key-malformed", said))
    if changed is None:
        return faults
    return [one for one in faults if one.pointer[1:] in changed]


def _length(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return -1


def _renewed(provider: Provider, changes: AppSettings, seal: Seal | None) -> bytes:
    """Return the secrets resealed, with the given ones in place of the former ones."""
    kept = given_of(provider, seal).secrets
    if seal is None:
        raise SecretKeyNotSet
    former = {
        name: (one if name == "secret" else base64.b64encode(one)).decode()
        for name, one in kept.items()
    }
    return _sealed(seal, provider.id, {**former, **changes})


def _new_link_key(seal: Seal | None, provider_id: UUID) -> bytes:
    if seal is None:
        raise SecretKeyNotSet
    return seal.seal(os.urandom(_LINK_KEY_BYTES), link_key_context(provider_id))


def _sealed(seal: Seal, provider_id: UUID, settings: AppSettings) -> bytes:
    said = {name: settings[name] for name in _SECRETS if settings.get(name) is not None}
    return seal.seal(to_json(said), secrets_context(provider_id))


def given_of(provider: Provider, seal: Seal | None) -> Given:
    """Return the unsealed settings of a provider.

    Raises:
        SecretKeyNotSet: its secrets cannot be opened here.
        ProviderEnded: it has none any more.
    """
    if provider.secrets_sealed is None or provider.link_key_sealed is None:
        raise ProviderEnded
    if seal is None:
        raise SecretKeyNotSet
    try:
        said = json.loads(seal.unseal(provider.secrets_sealed, secrets_context(provider.id)))
        link_key = seal.unseal(provider.link_key_sealed, link_key_context(provider.id))
    except CannotUnseal:
        raise SecretKeyNotSet from None
    secrets = {
        name: text.encode() if name == "secret" else base64.b64decode(text)
        for name, text in said.items()
    }
    return Given(
        family=provider.family,
        base_url=provider.base_url,
        app_id=provider.app_id,
        module_id=provider.module_id,
        secrets=secrets,
        link_key=link_key,
    )

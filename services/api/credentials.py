"""Credentials as a process caches them for a few seconds: whose they are and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.core.identity.access_tokens import API, Audience
from services.core.identity.actor import Actor
from services.core.identity.networks import Network


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was looked up: whose it is, and until when that needs no second look.

    `secret_prefix` is that of the key's secret behind it; `good_until` is when that, or the key,
    or the token ends as far as is known; `audience` is for whom it is.
    """

    until: datetime
    actor: Actor
    networks: tuple[Network, ...]
    secret_prefix: str
    good_until: datetime
    audience: Audience = API


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that a token or a partner named, with the ends of its secrets by prefix, if any.

    Of a person's time in a post those are the sessions that are open, by id.
    """

    until: datetime
    read_at: datetime
    actor: Actor
    networks: tuple[Network, ...]
    expires_at: datetime | None
    secrets: Mapping[str, datetime | None]

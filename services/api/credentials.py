"""Credentials as a process caches them for a few seconds: whose they are and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.core.identity.access_tokens import API, Audience
from services.core.identity.actor import Actor
from services.core.identity.networks import Network


@dataclass(frozen=True, slots=True)
class Credential:
    """A cached credential: whose it is, and until when it need not be looked up again.

    `secret_prefix` is the prefix of the key's secret behind it; `good_until` is the earliest known
    end of that secret, the key or the token; `audience` is the audience that it is valid for.
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

    For a tenure (a person's time in a post) these are the open sessions, by id.
    """

    until: datetime
    read_at: datetime
    actor: Actor
    networks: tuple[Network, ...]
    expires_at: datetime | None
    secrets: Mapping[str, datetime | None]

"""The address of a PostgreSQL server in libpq's syntax, of which the driver knows only a part.

`pool_mode=transaction` is our own parameter: a pooler such as pgbouncer stands between us and the
server and assigns server connections per transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
from pydantic import SecretStr

_SCHEMES = ("postgresql", "postgres")
_CHOICES: Mapping[str, frozenset[str]] = {
    "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
    "target_session_attrs": frozenset(
        {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}
    ),
    "pool_mode": frozenset({"session", "transaction"}),
    # The driver's fixed behaviour; it supports no other value.
    "channel_binding": frozenset({"disable", "prefer"}),
    "gssencmode": frozenset({"disable", "prefer"}),
    "sslcompression": frozenset({"0"}),
    "client_encoding": frozenset({"utf8", "UTF8", "auto"}),
    "load_balance_hosts": frozenset({"disable"}),
}
_FILES = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
_OF_THE_DRIVER = frozenset(
    {"sslmode", "target_session_attrs", "host", "port", "user", "password", "dbname", "passfile"}
    | {"sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"}
    | {"service", "krbsrvname", "gsslib", *_FILES}
)
_OF_THE_SESSION = frozenset({"options", "application_name", "fallback_application_name"})
_KNOWN = _OF_THE_DRIVER | _OF_THE_SESSION | _CHOICES.keys() | {"connect_timeout"}
_SHORTEST_SECONDS = 2


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A parsed server address: the part for the driver, and the options that we pass to it.

    `timeout` is in seconds; None: the driver's default, or no limit if 0 was asked for.
    """

    dsn: str = field(repr=False)
    timeout: float | None
    session: Mapping[str, str]
    pooled: bool

    def options(self, settings: Mapping[str, str]) -> dict[str, Any]:
        """Return the driver's arguments; the address takes precedence over `settings`.

        A pooler refuses settings at the start of a session, and named prepared statements fail
        there, because the next statement may run on another server connection.
        """
        ours = {name: settings[name] for name in settings.keys() & {"application_name"}}
        started = {**(ours if self.pooled else settings), **self.session}
        named = {"statement_cache_size": 0} if self.pooled else {}
        waits = {} if self.timeout is None else {"timeout": self.timeout}
        return {"server_settings": started, **named, **waits}


def read_address(url: str) -> ServerAddress:
    """Return a parsed address.

    Raises:
        ValueError: it is not an address, or has a parameter that is unknown or not supported.
    """
    place, _, query = url.partition("?")
    scheme, separator, _ = place.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError("must have the form postgresql://user:password@host/database")
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in given.items():
        _check(name, value)
    session = {"options": given["options"]} if "options" in given else {}
    called = given.get("application_name", given.get("fallback_application_name"))
    if called is not None:
        session["application_name"] = called
    kept = {word: value for word, value in given.items() if word in _OF_THE_DRIVER}
    return ServerAddress(
        dsn=f"{place}?{urlencode(kept)}" if kept else place,
        timeout=_timeout(given.get("connect_timeout")),
        session=session,
        pooled=given.get("pool_mode") == "transaction",
    )


def _check(name: str, value: str) -> None:
    if name not in _KNOWN:
        raise ValueError(f"{name} is not known here; leave it out")
    choices = _CHOICES.get(name)
    if choices is not None and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(sorted(choices))}")
    if name in _FILES and not Path(value).is_file():
        raise ValueError(f"{name}: there is no file {value}")


def _timeout(written: str | None) -> float | None:
    if written is None:
        return None
    if not written.isascii() or not written.isdecimal():
        raise ValueError("connect_timeout must be whole seconds, such as 10")
    return float(max(int(written), _SHORTEST_SECONDS)) if int(written) else None


def checked_address(secret: SecretStr) -> SecretStr:
    """Return the setting of an address unchanged.

    Raises:
        ValueError: it is not a usable address.
    """
    read_address(secret.get_secret_value())
    return secret


def checked_replicas(secret: SecretStr) -> SecretStr:
    """Return the setting of replicas' addresses, separated by spaces, unchanged.

    Raises:
        ValueError: one is not a usable address, or names more than one server.
    """
    for url in secret.get_secret_value().split():
        read_address(url)
        # The position is polled over one connection and has to hold for all the others.
        if "," in urlsplit(url).netloc.rpartition("@")[2]:
            raise ValueError(
                "each address names one replica: separate the addresses of several by spaces"
            )
    return secret


def server_name(url: str) -> str:
    """Return a server's name for logs and metrics: host and port, without secrets."""
    return urlsplit(url).netloc.rpartition("@")[2]


async def open_connection(url: str, *, timeout: float | None = None) -> asyncpg.Connection:  # noqa: ASYNC109 (the driver's)
    """Open one connection; `timeout` in seconds applies if the address names none."""
    address = read_address(url)
    waits = {} if timeout is None else {"timeout": timeout}
    return await asyncpg.connect(
        address.dsn, **{**waits, **address.options({"application_name": "wufei"})}
    )

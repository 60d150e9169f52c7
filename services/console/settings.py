"""The console's settings from the environment; the services read their own."""

import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.api.settings import ApiSettings
from services.console.errors import ConsoleError
from services.core.kit.faults import faults_of
from services.core.kit.file_places import checked_files
from services.core.kit.logs import LogFormat, LogLevel
from services.core.kit.nearest import nearest
from services.core.kit.seal_settings import SealSettings
from services.core.kit.server_address import checked_address, checked_replicas, read_address
from services.core.webhooks.address_settings import checked_cidrs, checked_proxies
from services.worker.settings import WorkerSettings

PROJECT = Path(__file__).resolve().parents[2]
"""The folder of services/, migrations/ and plans/."""


def _redis_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("redis://", "rediss://")):
        raise ValueError("must have the form redis://:password@host:port/0")
    return secret


class Settings(SealSettings):
    """Settings of every command."""

    model_config = SettingsConfigDict(
        env_prefix="WUFEI_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the API listens on.")
    data_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        Path("var"),
        description="Folder of the embedded servers' data, the logs and the first key.",
        validate_default=True,
    )
    log_level: LogLevel = Field(
        "info",
        validation_alias="WUFEI_LOG_LEVEL",
        description="From which level on is logged.",
    )
    log_format: LogFormat = Field(
        "json",
        validation_alias="WUFEI_LOG_FORMAT",
        description="`json`: an object a line; `text`: for people who read along.",
    )
    trusted_proxies: Annotated[str, AfterValidator(checked_proxies)] = Field(
        "",
        description="Addresses and networks of proxies whose X-Forwarded-For is believed, separated"
        " by commas; none: no header is.",
    )
    stop_within: int = Field(
        10, ge=0, description="Seconds the API gives open requests when it is told to stop."
    )
    database_url: Annotated[SecretStr, AfterValidator(checked_address)] | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL to use in place of the embedded one.",
    )
    database_direct_url: Annotated[SecretStr, AfterValidator(checked_address)] | None = Field(
        None,
        validation_alias="DATABASE_DIRECT_URL",
        description="The same database without a pooler before it: for migrations and notices.",
    )
    database_owner_url: Annotated[SecretStr, AfterValidator(checked_address)] | None = Field(
        None,
        validation_alias="DATABASE_OWNER_URL",
        description="The same database as the role that owns its tables, for `wufei migrate` and"
        " `wufei up` alone; none: DATABASE_URL's role is the owner.",
    )
    database_replica_url: Annotated[SecretStr, AfterValidator(checked_replicas)] | None = Field(
        None,
        validation_alias="DATABASE_REPLICA_URL",
        description="Replicas that readings may go to, addresses separated by spaces.",
    )
    replica_lag: float = Field(
        5, ge=1, le=300, description="Most seconds that a replica may be behind and be read from."
    )
    exchange_database_url: Annotated[SecretStr, AfterValidator(checked_address)] | None = Field(
        None,
        description="PostgreSQL of a front-end server that holds the exchange tables, for"
        " `wufei exchange` alone.",
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Redis or Valkey to use in place of the embedded one.",
    )
    files: Annotated[str, AfterValidator(checked_files)] | None = Field(
        None,
        description="Where files of evidence are kept: a directory, or `s3://bucket/prefix`."
        " `wufei up` keeps them in the data directory.",
    )
    webhook_allow_loopback: bool = Field(
        default=False, description="For demonstrations and tests: webhooks may go to this machine."
    )
    webhook_allow_cidrs: Annotated[str, AfterValidator(checked_cidrs)] = Field(
        "", description="Networks of the intranet that webhooks may go to, separated by commas."
    )

    @property
    def direct_url(self) -> str | None:
        """Return the URL that bypasses a pooler; None: none is set."""
        direct = self.database_direct_url
        return None if direct is None else direct.get_secret_value()

    @property
    def owner_url(self) -> str | None:
        """Return the URL of the tables' owner; None: the services' role owns them."""
        owner = self.database_owner_url
        return None if owner is None else owner.get_secret_value()

    @property
    def replica_urls(self) -> list[str]:
        """Return the URL of each replica."""
        urls = self.database_replica_url
        return [] if urls is None else urls.get_secret_value().split()

    @classmethod
    def read(cls) -> Self:
        """Return the environment's settings; those of the services are validated too.

        Raises:
            ConsoleError: some are invalid; each has its line.
        """
        for told in misspelt(os.environ):
            print(f"wufei: {told}", file=sys.stderr)
        read, faults = _judged(cls)
        # A part with an invalid setting is not started, because it would end again and again.
        for door in (ApiSettings, WorkerSettings):
            faults |= _judged(door)[1]
        if read is not None and not faults:
            faults |= _lacking(read)
        if faults or read is None:
            raise ConsoleError("\n".join(f"{name}: {told}" for name, told in faults.items()))
        return read


_S = TypeVar("_S", bound=BaseSettings)


def _judged(settings: type[_S]) -> tuple[_S | None, dict[str, str]]:
    """Return settings, or the faults by variable; missing ones are no fault."""
    try:
        return settings(), {}
    except ValidationError as error:
        return None, {
            _variable(settings, str(one["loc"][0])): _told(one)
            for one in error.errors(include_url=False, include_input=False)
            if one["type"] != "missing"
        }


def _told(error: ErrorDetails) -> str:
    """Return the fault of a setting, in both languages if both are known."""
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return said
    (fault,) = faults_of([{**error, "input": None}])
    return f"{fault.detail.zh} ({fault.detail.en})"


def _variable(settings: type[BaseSettings], name: str) -> str:
    prefix = settings.model_config.get("env_prefix", "") if name in settings.model_fields else ""
    return f"{prefix}{name}".upper()


def _lacking(settings: Settings) -> dict[str, str]:
    database, direct = settings.database_url, settings.database_direct_url
    owner = settings.database_owner_url
    if owner is not None and database is None:
        return {"DATABASE_OWNER_URL": "goes with DATABASE_URL, which is the services' address"}
    if owner is not None and read_address(owner.get_secret_value()).pooled:
        return {"DATABASE_OWNER_URL": "must name the server itself, and no pooler before it"}
    if database is None or direct is not None:
        return {}
    if not read_address(database.get_secret_value()).pooled:
        return {}
    return {
        "DATABASE_DIRECT_URL": "must be set where DATABASE_URL has pool_mode=transaction:"
        " notices and migrations need a connection of their own"
    }


class UpSettings(Settings):
    """Settings that only `wufei up` reads; its children never see them."""

    pg_bin: Path | None = Field(
        None, description="Folder with another PostgreSQL's initdb and postgres."
    )
    now: AwareDatetime | None = Field(
        None, description="What the domain's clock shows at this start; embedded database only."
    )

    @property
    def domain_now(self) -> datetime | None:
        """Return the requested instant; refused unless the database is embedded."""
        if self.now is not None and self.database_url is not None:
            raise ConsoleError("WUFEI_NOW is for the embedded database only; unset DATABASE_URL")
        return self.now


_PREFIX = "WUFEI_"
ELSEWHERE = frozenset(
    {"WUFEI_PARTNER_SECRET", "WUFEI_PARTNER_SM_KEY", "WUFEI_SUPERIOR_SECRET"}
    | {"WUFEI_WEBHOOK_SECRET", "WUFEI_URL", "WUFEI_KEY"}
)
"""Variables that a command itself reads, or the examples for receivers."""


def misspelt(given: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each unknown variable with our prefix, with a suggestion.

    `given` are names of variables. Children of `wufei up` do not repeat its warnings.
    """
    names = {name.upper() for name in given}
    if "WUFEI_CLOCK_OFFSET" in names:
        return
    known = {name.lower() for name, _ in variables()} | {name.lower() for name in ELSEWHERE}
    for name in sorted(names):
        if name.startswith(_PREFIX) and name.lower() not in known:
            near = nearest(name, known)
            meant = f": did you mean {near.upper()}?" if near else ""
            yield f"{name} is no setting and has no effect{meant}"


def variables() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every variable that a part reads, with its field; shared ones repeatedly."""
    for settings in (UpSettings, ApiSettings, WorkerSettings):
        for name, field in settings.model_fields.items():
            alias = field.validation_alias
            yield alias if isinstance(alias, str) else _variable(settings, name), field

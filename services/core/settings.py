"""Settings that the API and the worker share, from their environment; each adds its own."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FilePath, SecretStr
from pydantic_settings import SettingsConfigDict

from services.core.identity.issuers import Issuer, read_issuers
from services.core.kit.clock import Clock
from services.core.kit.file_places import checked_files, open_store
from services.core.kit.file_store import FileStore
from services.core.kit.seal_settings import SealSettings
from services.core.kit.server_address import checked_replicas
from services.core.webhooks.address_settings import checked_cidrs, checked_robot_hosts
from services.core.webhooks.addresses import AddressPolicy, policy_of


def _checked_issuers(path: Path) -> Path:
    read_issuers(path)
    return path


class DoorSettings(SealSettings):
    """Settings of one process; addresses of servers have no default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(description="Postgres, as postgresql://user:password@host/name")
    database_replica_url: Annotated[SecretStr, AfterValidator(checked_replicas)] | None = Field(
        default=None,
        description="Replicas that readings may go to, addresses separated by spaces; none: all"
        " readings go to the primary",
    )
    database_direct_url: SecretStr | None = Field(
        default=None, description="The same without a pooler before it, to hear notices through"
    )
    redis_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey; without it the worker's own timer finds work"
    )
    clock_offset: float = Field(
        default=0,
        validation_alias="WUFEI_CLOCK_OFFSET",
        description="Seconds between the domain's clock and the true one; set by `wufei up` only",
    )
    token_issuers: Annotated[FilePath, AfterValidator(_checked_issuers)] | None = Field(
        default=None,
        validation_alias="WUFEI_TOKEN_ISSUERS",
        description="File (YAML) of foreign issuers whose tokens are taken, and as which keys",
    )
    port: int = Field(
        default=8000,
        validation_alias="WUFEI_PORT",
        description="Port that the API listens on, where no webhook may go",
    )
    webhook_allow_loopback: bool = Field(
        default=False,
        validation_alias="WUFEI_WEBHOOK_ALLOW_LOOPBACK",
        description="Demonstrations and tests only: webhooks may go to this machine",
    )
    webhook_allow_cidrs: Annotated[str, AfterValidator(checked_cidrs)] = Field(
        default="",
        validation_alias="WUFEI_WEBHOOK_ALLOW_CIDRS",
        description="Networks of the intranet that webhooks may go to, separated by commas",
    )
    webhook_ca_file: FilePath | None = Field(
        default=None,
        validation_alias="WUFEI_WEBHOOK_CA_FILE",
        description="Certificates (PEM) of authorities that receivers' may come from, beside the"
        " system's",
    )
    webhook_robot_hosts: Annotated[str, AfterValidator(checked_robot_hosts)] = Field(
        default="",
        validation_alias="WUFEI_WEBHOOK_ROBOT_HOSTS",
        description="Stand-ins of robots for tests, such as `dingtalk=127.0.0.1:9000`",
    )

    files: Annotated[str, AfterValidator(checked_files)] | None = Field(
        default=None,
        validation_alias="WUFEI_FILES",
        description="Where files of evidence are kept: a directory that API and worker share, or"
        " `s3://bucket/prefix`; none: no evidence is taken",
    )
    files_endpoint: str | None = Field(
        default=None,
        validation_alias="AWS_ENDPOINT_URL",
        description="Address of the bucket's server, which whoever keeps files reads by itself; no"
        " webhook may go there",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Collector that traces are sent to by OTLP over HTTP, such as"
        " `http://127.0.0.1:4318`; the other variables of OpenTelemetry count beside it",
    )

    @property
    def sends_spans(self) -> bool:
        """Return whether traces are exported."""
        return self.otlp_endpoint is not None

    @property
    def issuers(self) -> Mapping[str, Issuer]:
        """Return the trusted foreign issuers, by name."""
        return {} if self.token_issuers is None else read_issuers(self.token_issuers)

    @property
    def clock(self) -> Clock:
        """Return the clock of this process."""
        return Clock(timedelta(seconds=self.clock_offset))

    @property
    def file_store(self) -> FileStore | None:
        """Return the file store; None: not configured."""
        return None if self.files is None else open_store(self.files)

    @property
    def own_servers(self) -> list[str]:
        """Return the addresses of all servers in these settings."""
        secret = (
            self.database_url,
            self.database_replica_url,
            self.database_direct_url,
            self.redis_url,
        )
        said = [one.get_secret_value() for one in secret if one is not None]
        said += [one for one in (self.files_endpoint, self.otlp_endpoint) if one is not None]
        return [url for one in said for url in one.split()]

    @property
    def webhook_addresses(self) -> AddressPolicy:
        """Return the policy of where webhooks may go: to no server in these settings."""
        return policy_of(
            allow_loopback=self.webhook_allow_loopback,
            allow_cidrs=self.webhook_allow_cidrs,
            servers=self.own_servers,
            own_ports=(self.port,),
            robot_hosts=self.webhook_robot_hosts,
        )

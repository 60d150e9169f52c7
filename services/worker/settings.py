"""The worker's settings, read from its environment."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from typing_extensions import override

from services.core.kit.file_places import checked_drops, open_sink
from services.core.kit.file_store import FileSink
from services.core.settings import DoorSettings
from services.core.webhooks.health import DISABLED_AFTER
from services.core.webhooks.schedule import DEFAULT_SCHEDULE, read_schedule


def _schedule(text: str) -> str:
    read_schedule(text)
    return text


class WorkerSettings(DoorSettings):
    """Settings of one worker process."""

    worker_metrics: str | None = Field(
        default=None,
        pattern=r"^\S+:[0-9]{1,5}$",
        validation_alias="WUFEI_WORKER_METRICS",
        description="Address that a worker serves its metrics at, such as `127.0.0.1:9464`",
    )
    webhook_schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        default=",".join(f"{seconds:g}" for seconds in DEFAULT_SCHEDULE),
        validation_alias="WUFEI_WEBHOOK_SCHEDULE",
        description="Seconds before each attempt, separated by commas",
    )
    webhook_timeout: float = Field(
        default=15,
        gt=0,
        le=60,
        validation_alias="WUFEI_WEBHOOK_TIMEOUT",
        description="Seconds of one attempt in all: connection, headers and body",
    )
    webhook_disable_after: float = Field(
        default=DISABLED_AFTER.total_seconds(),
        gt=0,
        validation_alias="WUFEI_WEBHOOK_DISABLE_AFTER",
        description="Seconds of nothing but failures after which an endpoint is disabled",
    )
    drops: Annotated[str, AfterValidator(checked_drops)] | None = Field(
        default=None,
        validation_alias="WUFEI_DROPS",
        description="Where events are dropped as files: an absolute path, `s3://bucket/prefix` or"
        " `sftp://user@host/folder?key=…&known_hosts=…`; none: file drops wait",
    )
    audit_kept_days: int = Field(
        default=3 * 366,
        ge=183,
        le=36_600,
        validation_alias="WUFEI_AUDIT_KEPT_DAYS",
        description="Days that entries of the audit are kept, half a year at least (Cybersecurity"
        " Law, article 21); then they go with their quarter, behind a signed head of the chain"
        " only; default: three years",
    )

    @property
    @override
    def own_servers(self) -> list[str]:
        """Return the addresses of all servers in these settings."""
        drops = self.drops or ""
        return [*super().own_servers, *([drops] if drops.startswith("sftp://") else [])]

    @property
    def drop_sink(self) -> FileSink | None:
        """Return the sink for event files; None: not configured."""
        return None if self.drops is None else open_sink(self.drops)

    @property
    def audit_kept(self) -> timedelta:
        """Return the retention of the audit."""
        return timedelta(days=self.audit_kept_days)

"""What the worker is told by its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.kit.clock import Clock


class WorkerSettings(BaseSettings):
    """Settings of one worker process; addresses of servers have no default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: SecretStr = Field(description="Postgres, as postgresql://user:password@host/name")
    redis_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey; without it the timer alone finds work"
    )
    clock_offset: float = Field(
        default=0,
        validation_alias="WUFEI_CLOCK_OFFSET",
        description="Seconds between the domain's clock and the true one; set by `wufei up` only",
    )

    @property
    def clock(self) -> Clock:
        """Return the clock of this process."""
        return Clock(timedelta(seconds=self.clock_offset))

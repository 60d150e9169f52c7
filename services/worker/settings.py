"""What the worker is told by its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.kit.clock import Clock
from services.core.kit.sealing import Seal


class WorkerSettings(BaseSettings):
    """Settings of one worker process; addresses of servers have no default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(description="Postgres, as postgresql://user:password@host/name")
    redis_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey; without it the timer alone finds work"
    )
    clock_offset: float = Field(
        default=0,
        validation_alias="WUFEI_CLOCK_OFFSET",
        description="Seconds between the domain's clock and the true one; set by `wufei up` only",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        validation_alias="WUFEI_SECRET_KEY",
        description="Keys of 32 bytes in base64, separated by commas, that seal the secrets of"
        " webhooks: the first seals, each opens; without one nothing is sealed or opened",
    )

    @property
    def clock(self) -> Clock:
        """Return the clock of this process."""
        return Clock(timedelta(seconds=self.clock_offset))

    @property
    def seal(self) -> Seal | None:
        """Return what seals and opens secrets; None: no key is set."""
        return None if self.secret_key is None else Seal.read(self.secret_key.get_secret_value())

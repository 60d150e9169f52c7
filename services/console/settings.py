"""What the environment may set for the console; the doors read their own settings."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.console.errors import ConsoleError
from services.core.kit.sealing import Seal
from services.core.webhooks.addresses import policy_of

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds services/, migrations/ and plans/."""


def _postgres_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must have the form postgresql://user:password@host/database")
    return secret


def _redis_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("redis://", "rediss://")):
        raise ValueError("must have the form redis://:password@host:port/0")
    return secret


def _secret_key(secret: SecretStr) -> SecretStr:
    Seal.read(secret.get_secret_value())
    return secret


def _cidrs(text: str) -> str:
    policy_of(allow_loopback=False, allow_cidrs=text)
    return text


class Settings(BaseSettings):
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
    stop_within: int = Field(
        10, ge=0, description="Seconds the API gives open requests when it is told to stop."
    )
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL to use in place of the embedded one.",
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Redis or Valkey to use in place of the embedded one.",
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        None,
        description="Keys of 32 bytes in base64, separated by commas, that seal the secrets of"
        " webhooks: the first seals, each opens. `wufei up` makes one in the data directory.",
    )
    webhook_allow_loopback: bool = Field(
        default=False, description="For demonstrations and tests: webhooks may go to this machine."
    )
    webhook_allow_cidrs: Annotated[str, AfterValidator(_cidrs)] = Field(
        "", description="Networks of the intranet that webhooks may go to, separated by commas."
    )

    @classmethod
    def read(cls) -> Self:
        """Return the environment's settings, or say which of them is wrong."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            known = cls.model_fields.get(name)
            variable = name if known is None else f"WUFEI_{name}"
            raise ConsoleError(
                f"{variable.upper()}: {first['msg'].removeprefix('Value error, ')}"
            ) from None


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
        """Return the instant asked for, refused where the database is not ours to play with."""
        if self.now is not None and self.database_url is not None:
            raise ConsoleError("WUFEI_NOW is for the embedded database only; unset DATABASE_URL")
        return self.now

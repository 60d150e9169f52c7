"""Environment settings of the API process."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from services.api.browsers import checked_origins, origins_of
from services.api.limit_settings import LimitSettings
from services.api.sign_in_settings import SignInSettings
from services.core.identity.signing_keys import LONGEST_LIFE
from services.core.settings import DoorSettings


class ApiSettings(LimitSettings, SignInSettings, DoorSettings):
    """Settings of one API process."""

    replica_lag: float = Field(
        default=5,
        ge=1,
        le=300,
        validation_alias="WUFEI_REPLICA_LAG",
        description="Most seconds that a replica may be behind the primary and be read from",
    )
    database_connections: int = Field(
        default=8,
        ge=2,
        le=100,
        validation_alias="WUFEI_DATABASE_CONNECTIONS",
        description="Most connections of each of the two pools of a process, to each server",
    )
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        validation_alias="WUFEI_ROOT_PATH",
        description="Path under which a proxy serves the API, such as `/wufei`, whether the proxy"
        " takes it off or not",
    )
    cors_origins: Annotated[str, AfterValidator(checked_origins)] = Field(
        default="",
        validation_alias="WUFEI_CORS_ORIGINS",
        description="Sites whose pages may read answers in a browser, separated by commas; none:"
        " no page of another site may",
    )
    shows_docs: bool = Field(
        default=True,
        validation_alias="WUFEI_DOCS",
        description="Whether the docs page and the contract are served, to whoever asks",
    )
    feed_kept_days: int | None = Field(
        default=None,
        ge=1,
        validation_alias="WUFEI_FEED_KEPT_DAYS",
        description="Days after which the feed serves an event no more; by default it always does",
    )

    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~-]+)*$",
        validation_alias="WUFEI_PUBLIC_URL",
        description="Address that clients call this API by, path included, such as"
        " `https://wufei.example.gov.cn`: the issuer that access tokens name",
    )
    token_seconds: int = Field(
        default=600,
        ge=60,
        le=int(LONGEST_LIFE.total_seconds()),
        validation_alias="WUFEI_TOKEN_SECONDS",
        description="Seconds that an access token is good",
    )

    @property
    def own_url(self) -> str:
        """Return the address of this process, used if no public address is configured."""
        return f"http://127.0.0.1:{self.port}{self.root_path}"

    @property
    def notices_url(self) -> str:
        """Return the URL of the connection that listens for notices."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    @property
    def replica_urls(self) -> list[str]:
        """Return the URL of each replica."""
        urls = self.database_replica_url
        return [] if urls is None else urls.get_secret_value().split()

    @property
    def origins(self) -> list[str]:
        """Return the origins whose pages may read responses in a browser."""
        return origins_of(self.cors_origins)

    @property
    def feed_kept(self) -> timedelta | None:
        """Return how long the feed serves an event; None: for good."""
        return None if self.feed_kept_days is None else timedelta(days=self.feed_kept_days)

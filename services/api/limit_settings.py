"""Rate limits of a credential, from the environment; 0: no limit of that sort."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings

from services.api.quotas import Sort


def _most(default: int, variable: str, what: str) -> Any:
    return Field(
        default=default, ge=0, validation_alias=variable, description=f"Most {what}; 0: no limit"
    )


class LimitSettings(BaseSettings):
    """Rate limit settings of one API process."""

    limits: bool = Field(
        default=True,
        validation_alias="WUFEI_LIMITS",
        description="Whether requests are limited by credential at all",
    )
    limit_reads: int = _most(30_000, "WUFEI_LIMIT_READS", "readings of a credential in a minute")
    limit_writes: int = _most(12_000, "WUFEI_LIMIT_WRITES", "changes of a credential in a minute")
    limit_heavy: int = _most(
        600, "WUFEI_LIMIT_HEAVY", "tables, forms, imports and batches of a credential in a minute"
    )
    limit_tokens: int = _most(
        120, "WUFEI_LIMIT_TOKENS", "requests for a token from one address in a minute"
    )
    limit_sign_ins: int = _most(
        600, "WUFEI_LIMIT_SIGN_INS", "sign-ins and refreshed sessions from one address in a minute"
    )
    limit_provider_sign_ins: int = _most(
        600, "WUFEI_LIMIT_PROVIDER_SIGN_INS", "sign-ins by one provider of a city in a minute"
    )
    limit_at_once: int = _most(
        500,
        "WUFEI_LIMIT_AT_ONCE",
        "requests of a credential that are answered at once, by all processes together",
    )

    @property
    def quotas(self) -> Mapping[Sort, int]:
        """Return the most requests a minute by sort; 0: no limit."""
        return {
            "reads": self.limit_reads,
            "writes": self.limit_writes,
            "heavy": self.limit_heavy,
            "tokens": self.limit_tokens,
            "sign_ins": self.limit_sign_ins,
            "provider_sign_ins": self.limit_provider_sign_ins,
        }

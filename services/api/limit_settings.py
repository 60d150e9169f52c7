"""How much a credential may ask for, as the environment sets it; 0 of a sort: no limit."""

from pydantic import Field
from pydantic_settings import BaseSettings


class LimitSettings(BaseSettings):
    """Settings of the limits of one API process."""

    limits: bool = Field(
        default=True,
        validation_alias="WUFEI_LIMITS",
        description="Whether requests are limited by credential at all",
    )
    limit_reads: int = Field(
        default=30_000,
        ge=0,
        validation_alias="WUFEI_LIMIT_READS",
        description="Most readings of a credential in a minute",
    )
    limit_writes: int = Field(
        default=12_000,
        ge=0,
        validation_alias="WUFEI_LIMIT_WRITES",
        description="Most changes of a credential in a minute",
    )
    limit_heavy: int = Field(
        default=600,
        ge=0,
        validation_alias="WUFEI_LIMIT_HEAVY",
        description="Most exports, forms, imports and batches of a credential in a minute",
    )
    limit_tokens: int = Field(
        default=120,
        ge=0,
        validation_alias="WUFEI_LIMIT_TOKENS",
        description="Most requests for a token from one address in a minute",
    )
    limit_at_once: int = Field(
        default=500,
        ge=0,
        validation_alias="WUFEI_LIMIT_AT_ONCE",
        description="Most requests of a credential that a process answers at once",
    )

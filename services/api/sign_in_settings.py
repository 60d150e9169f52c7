"""Environment settings of sign-in and of who administers what."""

import os
from datetime import timedelta
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from services.core.people.sessions import SessionPolicy


def _threads() -> int:
    """Return half of the processors, at least one: the others serve everything else."""
    return max(1, (os.cpu_count() or 2) // 2)


class SignInSettings(BaseSettings):
    """Settings of the sign-ins of one API process."""

    session_idle_minutes: int = Field(
        default=30,
        ge=5,
        le=24 * 60,
        validation_alias="WUFEI_SESSION_IDLE_MINUTES",
        description="Minutes that a session of no bound device goes on without being refreshed",
    )
    session_hours: int = Field(
        default=12,
        ge=1,
        le=7 * 24,
        validation_alias="WUFEI_SESSION_HOURS",
        description="Hours after which it ends, however often it was refreshed",
    )
    offline_days: Literal[7, 30] = Field(
        default=7,
        validation_alias="WUFEI_OFFLINE_DAYS",
        description="Days, 7 or 30, that a session of a bound device goes on while it is offline",
    )
    device_days: int = Field(
        default=90,
        ge=7,
        le=366,
        validation_alias="WUFEI_DEVICE_DAYS",
        description="Days after which it ends, however often it was refreshed",
    )
    sign_in_threads: int = Field(
        default_factory=_threads,
        ge=1,
        le=64,
        validation_alias="WUFEI_SIGN_IN_THREADS",
        description="Passwords that a process hashes at once; by default half of the processors",
    )
    sign_in_queue: int = Field(
        default=400,
        ge=0,
        le=10_000,
        validation_alias="WUFEI_SIGN_IN_QUEUE",
        description="Sign-ins that may wait for that; who comes beyond them is told 429",
    )
    separated_administrators: bool = Field(
        default=False,
        validation_alias="WUFEI_SEPARATED_ADMINISTRATORS",
        description="Whether the system administrator makes keys of systems alone, and those of"
        " administrators are the security administrator's alone",
    )

    @property
    def session_policy(self) -> SessionPolicy:
        """Return the lifetimes of sessions."""
        return SessionPolicy(
            idle=timedelta(minutes=self.session_idle_minutes),
            longest=timedelta(hours=self.session_hours),
            offline=timedelta(days=self.offline_days),
            longest_of_device=timedelta(days=self.device_days),
        )

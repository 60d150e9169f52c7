"""The only clock, with two times: the domain's, which trials may shift, and the real one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def is_recent(at: datetime | None, now: datetime, span: timedelta) -> bool:
    """Return whether something was at most `span` ago, so that it still counts.

    An instant in the future does not count: the clock has been set back since, so its age is
    unknown.
    """
    return at is not None and at <= now < at + span


@dataclass(frozen=True, slots=True)
class Clock:
    """Returns the time; `offset` shifts the domain's time only.

    The domain's time decides what day it is for deadlines and stamps what people do; a
    demonstration or a test may shift it. The real time decides leases, tokens and cache ages, and
    is never shifted.
    """

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the domain's current instant, aware, in UTC."""
        return self.true_now() + self.offset

    def today(self, time_zone: str) -> date:
        """Return the domain's local date in an IANA `time_zone`."""
        return self.now().astimezone(ZoneInfo(time_zone)).date()

    @staticmethod
    def true_now() -> datetime:
        """Return the real current instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 (the one place that reads the system's clock)

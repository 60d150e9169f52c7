"""Logs that a loop cannot do its work: once a minute at most, and once when it recovers."""

import logging
import time

from services.core.kit.outage import cause_in_words, is_away, is_contended, is_unable

logger = logging.getLogger("wufei.worker")

_SAY_AGAIN_SECONDS = 60.0


class Interruption:
    """A period in which a loop cannot do its `work`, until `over` ends it."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._present = False
        self._database_away = False
        self._say_again_at = 0.0

    def met(self, error: Exception) -> None:
        """Log it once a minute; with a traceback, unless the database is away."""
        if self._present and time.monotonic() < self._say_again_at:
            return
        self._say_again_at = time.monotonic() + _SAY_AGAIN_SECONDS
        self._present = True
        self._database_away = is_away(error)
        said = {"work": self._work, "cause": cause_in_words(error), "next": "retrying"}
        if self._database_away:
            logger.warning("database unavailable", extra=said)
        else:
            logger.log(severity(error), "work failed", extra=said, exc_info=traceback_of(error))

    def over(self) -> None:
        """Log that the work goes on again, if it was interrupted."""
        if not self._present:
            return
        self._present = False
        if self._database_away:
            logger.info("database recovered", extra={"work": self._work})
        else:
            logger.info("work recovered", extra={"work": self._work})


def traceback_of(error: Exception) -> Exception | None:
    """Return an error for its traceback; None if the database is at fault and not we."""
    return None if is_contended(error) or is_unable(error) else error


def severity(error: Exception) -> int:
    """Return the log level of an error: ERROR for a bug of ours, WARNING for an outage."""
    return logging.WARNING if traceback_of(error) is None else logging.ERROR

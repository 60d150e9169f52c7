"""Saying that a loop cannot do its work: once a minute, with all that is known of a fault."""

import logging
import time

from services.core.kit.outage import cause_of, is_away, is_contended

logger = logging.getLogger("wufei.worker")

_SAY_AGAIN_SECONDS = 60.0


class Interruption:
    """What a loop is in while its `work` cannot be done, until it is over."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._present = False
        self._say_again_at = 0.0

    def met(self, error: Exception) -> None:
        """Say so once a minute; what is no outage is said with all that is known."""
        if self._present and time.monotonic() < self._say_again_at:
            return
        self._say_again_at = time.monotonic() + _SAY_AGAIN_SECONDS
        self._present = True
        cause = cause_of(error)
        if is_away(error):
            logger.warning(
                "the database is away, %s is put off: %s", self._work, type(cause).__name__
            )
        else:
            logger.error(
                "%s is put off: %s: %s",
                self._work,
                type(cause).__name__,
                str(cause)[:200],
                exc_info=unless_met(error),
            )

    def over(self) -> None:
        """Say that the work goes on, where it did not."""
        if self._present:
            self._present = False
            logger.info("%s goes on", self._work)


def unless_met(error: Exception) -> Exception | None:
    """Return an error for its traceback, None where others' locks are all there is to it."""
    return None if is_contended(error) else error

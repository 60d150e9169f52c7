"""Back-off of clean-up work: what found nothing to do in a city is not run there for a while."""

from datetime import datetime, timedelta

from services.core.kit.clock import Clock, is_recent

_REST = timedelta(minutes=10)


class Rests:
    """Clean-up tasks by city: after one found nothing it rests for ten minutes.

    It checks both clocks: one that was set back, or far ahead, ends every rest.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[tuple[str, str], tuple[datetime, datetime]] = {}

    def lasts(self, city_code: str, name: str) -> bool:
        """Return whether the task `name` rests in a city."""
        since = self._since.get((city_code, name))
        return since is not None and all(
            is_recent(then, now, _REST) for then, now in zip(since, self._times(), strict=True)
        )

    def note(self, city_code: str, name: str, done: object) -> None:
        """Let `name` rest in a city if nothing was `done`; otherwise more may be waiting."""
        if done:
            self._since.pop((city_code, name), None)
        else:
            self._since[city_code, name] = self._times()

    def _times(self) -> tuple[datetime, datetime]:
        return self._clock.true_now(), self._clock.now()

"""Scoreboards as ready bytes, kept until the log of their city moves on."""

from services.api.log_watch import LogWatch

Body = tuple[str, bytes]
"""An ETag and the bytes that it stands for."""

_MOST_KEPT = 500


class BoardsKept:
    """Bodies by (city, plan, period, basis), each with the generation it was read in."""

    def __init__(self, watch: LogWatch) -> None:
        self._watch = watch
        self._kept: dict[tuple[str, ...], tuple[int, Body]] = {}

    def get(self, key: tuple[str, ...]) -> Body | None:
        """Return the body if the city's log has not moved on since it was read."""
        kept = self._kept.get(key)
        if kept is None or kept[0] != self._watch.generation(key[0]):
            return None
        return kept[1]

    def generation(self, key: tuple[str, ...]) -> int | None:
        """Return the generation to note before a body is read."""
        return self._watch.generation(key[0])

    def put(self, key: tuple[str, ...], generation: int | None, body: Body) -> None:
        """Keep a body that was read after `generation` was noted."""
        if generation is None:
            return
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (generation, body)

"""A gate that cuts one link at a chosen round trip, before the server has heard or after it."""

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Literal

from typing_extensions import override

from tests.simulation.wire import Link, OpenGate

ALL = os.environ.get("WUFEI_TEST_CUTS") == "all"
"""Whether every statement is cut, both ways, and not a share of them."""

_SHARE = 12

Moment = Literal["unheard", "unanswered"]
"""The server never hears the statement; or it does it, and nobody hears of that."""

MOMENTS: tuple[Moment, ...] = ("unheard", "unanswered")


class Tape(OpenGate):
    """Notes the words of all that pass."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @override
    async def sent(self, link: Link) -> bool:
        self.words.append(link.words)
        return True


def places(words: Sequence[str], offset: int) -> Iterable[int]:
    """Return at which round trips to cut what says these `words`.

    All there are, to the first that is not reached; or a share of them that begins at `offset`,
    and always those that end a transaction.
    """
    if ALL:
        return itertools.count(1)
    return [
        at
        for at, said in enumerate(words, start=1)
        if at == len(words) or said.startswith("COMMIT") or at % _SHARE == offset % _SHARE
    ]


class Scissors(OpenGate):
    """Cuts at round trip `at` (from 1) of all that pass, and once only."""

    def __init__(self, at: int, moment: Moment) -> None:
        self._at = at
        self._moment = moment
        self._passed = 0
        self.cut: str | None = None

    @override
    async def sent(self, link: Link) -> bool:
        self._passed += 1
        if self._passed != self._at:
            return True
        self.cut = " ".join(link.words.split())
        return self._moment != "unheard"

    @override
    async def answered(self, _link: Link) -> bool:
        return self._passed != self._at or self._moment != "unanswered"

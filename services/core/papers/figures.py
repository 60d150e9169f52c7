"""The figures that a paper prints, each with its own number, its value and its source. Pure.

A figure has the same key in every paper of its kind, so that its value of today can be shown next
to the printed one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import plain

Facts = Mapping[str, str | None]
"""The facts of a figure, by name: exact values as plain text; None: no value."""


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """A figure as it was printed.

    `shown` is the printed text. `indicator` is the indicator it belongs to; None: it is computed
    from other figures, whose numbers `rests_on` holds.
    """

    number: int
    key: str
    label: str
    shown: str
    facts: Facts
    period: str
    indicator: str | None = None
    rests_on: tuple[int, ...] = ()


@dataclass(slots=True)
class FigureBook:
    """Numbers figures in order of first appearance; each key has one number."""

    period: str
    _known: dict[str, PaperFigure] = field(default_factory=dict)

    def note(
        self,
        key: str,
        label: str,
        shown: str,
        facts: Facts,
        *,
        indicator: str | None = None,
        rests_on: Iterable[int] = (),
        period: str | None = None,
    ) -> int:
        """Return the number of a figure, assigning the next one if it is new."""
        found = self._known.get(key)
        if found is None:
            found = PaperFigure(
                number=len(self._known) + 1,
                key=key,
                label=label,
                shown=shown,
                facts=dict(facts),
                period=period or self.period,
                indicator=indicator,
                rests_on=tuple(rests_on),
            )
            self._known[key] = found
        return found.number

    @property
    def figures(self) -> Sequence[PaperFigure]:
        """All figures, ordered by number."""
        return list(self._known.values())


def as_json(figure: PaperFigure) -> dict[str, Any]:
    """Return a figure in its stored form."""
    return {
        "number": figure.number,
        "key": figure.key,
        "label": figure.label,
        "shown": figure.shown,
        "facts": dict(figure.facts),
        "period": figure.period,
        "indicator": figure.indicator,
        "rests_on": list(figure.rests_on),
    }


def from_json(kept: Mapping[str, Any]) -> PaperFigure:
    """Return a figure from its stored form."""
    return PaperFigure(**{**kept, "rests_on": tuple(kept["rests_on"])})


@dataclass(frozen=True, slots=True)
class FigureMoved:
    """A figure whose value today differs from the printed one; `now` None: it no longer exists."""

    printed: PaperFigure
    now: PaperFigure | None


def moved(printed: Iterable[PaperFigure], today: Iterable[PaperFigure]) -> list[FigureMoved]:
    """Return the figures that changed since a paper was made, in the order of the paper."""
    now = {figure.key: figure for figure in today}
    found = []
    for figure in printed:
        other = now.get(figure.key)
        if other is None or _alike(other.facts) != _alike(figure.facts):
            found.append(FigureMoved(figure, other))
    return found


def _alike(facts: Facts) -> dict[str, str | None]:
    """Return facts with a score in plain digits.

    Earlier papers store it as computed, 60.00000 or 0E-20, which is the same number.
    """
    said, score = dict(facts), facts.get("score")
    return said if score is None else {**said, "score": plain(Decimal(score))}

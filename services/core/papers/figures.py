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
"""What a figure says, by name: plain text, exact; None: there is nothing to say."""


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """A figure as it was printed.

    `shown` is what stands in the paper. `indicator` is whose it is; None: it is counted or added
    from others, whose numbers `rests_on` holds.
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
    """Numbers figures in the order in which a paper comes to them; each key has one number."""

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
        """Return the number of a figure; it is given one where it has none yet."""
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
        """All of them, in the order of their numbers."""
        return list(self._known.values())


def as_json(figure: PaperFigure) -> dict[str, Any]:
    """Return a figure as it is kept with its paper."""
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
    """Return a figure that was kept."""
    return PaperFigure(**{**kept, "rests_on": tuple(kept["rests_on"])})


@dataclass(frozen=True, slots=True)
class FigureMoved:
    """A figure that says today something else than was printed; `now` None: it is no more."""

    printed: PaperFigure
    now: PaperFigure | None


def moved(printed: Iterable[PaperFigure], today: Iterable[PaperFigure]) -> list[FigureMoved]:
    """Return what moved since a paper was made, in the order of the paper."""
    now = {figure.key: figure for figure in today}
    found = []
    for figure in printed:
        other = now.get(figure.key)
        if other is None or _alike(other.facts) != _alike(figure.facts):
            found.append(FigureMoved(figure, other))
    return found


def _alike(facts: Facts) -> dict[str, str | None]:
    """Return facts with a score in plain digits.

    Papers of before have it as it was reckoned, 60.00000 or 0E-20, which says the same.
    """
    said, score = dict(facts), facts.get("score")
    return said if score is None else {**said, "score": plain(Decimal(score))}

"""Layout of charts, in units of the chart's own box. Pure: the templates draw the result.

Everything in a chart also stands beside it as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

BOX_WIDTH, BOX_HEIGHT = 720, 220
"""The box of a curve."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 14, 30
_LEAST_SPAN = Decimal(2)
_MOST_LABELS = 13
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a waterfall: the start and width of its bar, in percent of the box."""

    left: str
    width: str
    tone: str


def waterfall(
    start: Decimal, parts: Sequence[Decimal], end: Decimal
) -> tuple[list[Step], Step, Step]:
    """Return the bars of the parts, and those of the two ends, on one scale.

    The scale begins a little below the lowest point of any bar, so that small parts are visible.
    """
    places = [start]
    for part in parts:
        places.append(places[-1] + part)
    low, high = min(*places, end), max(*places, end)
    span = max(high - low, _LEAST_SPAN)
    base = max(Decimal(0), low - span / 4)
    scale = Decimal(100) / (high + span / 20 - base)

    def bar(one: Decimal, other: Decimal, tone: str) -> Step:
        first, last = sorted((one, other))
        width = max((last - first) * scale, Decimal("0.6"))
        return Step(_number((first - base) * scale), _number(width), tone)

    bars = [
        bar(places[number], places[number + 1], "up" if part > 0 else "down" if part else "same")
        for number, part in enumerate(parts)
    ]
    return bars, bar(base, start, "end"), bar(base, end, "end")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve, and the label of its period; `""` if there is no room for it."""

    x: str
    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve in its box: segments of connected points, ticks, and breaks between segments.

    A segment ends at a missing value, or where the next value was measured by another rule.
    """

    stretches: list[list[Point]]
    labels: list[Point]
    ticks: list[tuple[str, str]]
    breaks: list[str]


def curve(
    labels: Sequence[str], values: Sequence[Decimal | None], broken: Sequence[bool]
) -> Curve | None:
    """Return a curve over periods; `broken[n]`: value `n` is not comparable with value `n - 1`.

    None: there is no value to draw.
    """
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    room = max((high - low) / 5, _LEAST_SPAN)
    low, high = max(Decimal(0), low - room), high + room
    if max(known) <= 100:  # noqa: PLR2004 (a score ends there)
        high = min(high, Decimal(100)) if high > low else high
    width = Decimal(BOX_WIDTH - _LEFT - _RIGHT)
    height = Decimal(BOX_HEIGHT - _TOP - _BOTTOM)
    step = width / max(1, len(labels) - 1)

    def x(number: int) -> Decimal:
        return _LEFT + (step * number if len(labels) > 1 else width / 2)

    def y(value: Decimal) -> Decimal:
        return _TOP + height * (high - value) / (high - low)

    every = -(-len(labels) // _MOST_LABELS)
    named = [
        Point(_number(x(number)), str(BOX_HEIGHT - 8), label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]
    stretches: list[list[Point]] = []
    open_still = False
    for number, value in enumerate(values):
        if value is None:
            open_still = False
            continue
        if not open_still or broken[number]:
            stretches.append([])
        open_still = True
        stretches[-1].append(Point(_number(x(number)), _number(y(value)), labels[number]))
    ticks = [
        (_number(y(at)), f"{at.quantize(Decimal('0.1'))}")
        for at in (low + (high - low) * part / _TICKS for part in range(_TICKS + 1))
    ]
    breaks = [_number(x(number) - step / 2) for number, is_so in enumerate(broken) if is_so]
    return Curve(stretches, named, ticks, breaks)


def _number(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01')).normalize():f}"

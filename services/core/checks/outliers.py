"""How far a figure lies from earlier ones: a robust z-score. Pure; decided without division.

z = 0.6745 × (x − median) ÷ MAD, where MAD is the median of the distances from the median. If more
than half of the figures are equal, MAD is 0, and the mean distance replaces it:
z = (x − median) ÷ (1.253314 × mean distance). If all are equal there is no z, and any other
figure is an outlier.

Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers, ASQC 1993, for the score and for
3.5 as its usual bound; the replacement as in IBM SPSS, Modified z score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.kit.decimals import less, quotient, times, total

_MAD_FACTOR = Decimal("0.6745")
_MEAN_FACTOR = Decimal("1.253314")
_HALF = Decimal("0.5")

SpreadKind = Literal["mad", "mean_distance", "none"]


@dataclass(frozen=True, slots=True)
class RobustScore:
    """The position of a figure among `count` earlier ones.

    `z` is signed, at scale 20, None if all of them are equal; `spread` is its denominator. `lower`
    and `upper` are the bounds beyond which a figure is an outlier, at scale 20; `is_outlier` was
    decided exactly and not by these bounds.
    """

    is_outlier: bool
    count: int
    median: Decimal
    mad: Decimal
    mean: Decimal
    spread: SpreadKind
    z: Decimal | None
    lower: Decimal
    upper: Decimal


def robust_score(value: Decimal, earlier: Sequence[Decimal], threshold: Decimal) -> RobustScore:
    """Return the position of a figure among earlier ones; there must be at least one."""
    count = Decimal(len(earlier))
    middle = median(earlier)
    distances = [less(one, middle).copy_abs() for one in earlier]
    mad, added = median(distances), total(distances)
    away = less(value, middle)
    # z = away × over ÷ under, so |z| > threshold is decided by products alone.
    spread: SpreadKind
    if mad:
        spread, over, under = "mad", _MAD_FACTOR, mad
    elif added:
        spread, over, under = "mean_distance", count, times(_MEAN_FACTOR, added)
    else:
        spread, over, under = "none", Decimal(1), Decimal(0)
    width = quotient(times(threshold, under), over)
    return RobustScore(
        is_outlier=times(away.copy_abs(), over) > times(threshold, under),
        count=len(earlier),
        median=middle,
        mad=mad,
        mean=quotient(total(list(earlier)), count),
        spread=spread,
        z=quotient(times(away, over), under) if under else None,
        lower=less(middle, width),
        upper=total([middle, width]),
    )


def median(numbers: Sequence[Decimal]) -> Decimal:
    """Return the exact median: the middle number, or the mean of the two in the middle."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return times(total(ordered[half - 1 : half + 1]), _HALF)

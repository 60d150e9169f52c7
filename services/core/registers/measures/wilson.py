"""The Wilson score interval of a share found in a sample, in exact decimals. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from services.core.kit.decimals import QUOTIENT_SCALE
from services.core.plan.count_entries import Confidence

_PRECISION = Context(prec=60)
_QUANTUM = Decimal(1).scaleb(-QUOTIENT_SCALE)

Z: Mapping[Confidence, Decimal] = {
    90: Decimal("1.64485362695147271486384890799163213608"),
    95: Decimal("1.95996398454005423552459443052055152796"),
    99: Decimal("2.57582930354890076097857674860381411731"),
}
"""The two-sided standard normal quantile by confidence, to 38 decimal places."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The bounds of a share, both from 0 to 1."""

    lower: Decimal
    upper: Decimal


def wilson(share: Decimal, size: Decimal, confidence: Confidence) -> Interval:
    """Return the Wilson score interval of a `share` (0 to 1) found among `size` answers (above 0).

    With z of the confidence, p the share and n the size, its bounds are

        (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927), 209–212; recommended over the interval of Wald
    by Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science
    16 (2001), 101–133.

    It is computed to 60 significant digits; then the lower bound is rounded down and the upper up
    to 20 decimal places, so that rounding never narrows the interval, and both are clamped to 0
    and 1.
    """
    at = _PRECISION
    z, one = Z[confidence], Decimal(1)
    z_squared = at.multiply(z, z)
    by_size = at.divide(z_squared, size)
    middle = at.add(share, at.divide(by_size, 2))
    spread = at.divide(at.multiply(share, at.subtract(one, share)), size)
    quarter = at.divide(by_size, at.multiply(size, 4))
    half = at.multiply(z, at.sqrt(at.add(spread, quarter)))
    below = at.add(one, by_size)
    lower = at.divide(at.subtract(middle, half), below).quantize(_QUANTUM, ROUND_FLOOR, at)
    upper = at.divide(at.add(middle, half), below).quantize(_QUANTUM, ROUND_CEILING, at)
    return Interval(max(lower, Decimal(0)), min(upper, one))

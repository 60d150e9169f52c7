"""Tables: a figure, its ceiling, the ratio, the goal, and whether it is reached."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measure:
    """One line: what was measured over several rounds against what.

    Rates are to reach the goal; times, in another unit than /s, to stay below it.
    """

    what: str
    figures: list[float]
    ceiling_name: str
    ceilings: list[float]
    goal: float
    unit: str = "/s"

    def line(self) -> str:
        """Return the line; the ratio is the median of the rounds' own ratios."""
        ratio = median(
            figure / ceiling for figure, ceiling in zip(self.figures, self.ceilings, strict=True)
        )
        sign, reached = ("<=", ratio <= self.goal)
        if self.unit == "/s":
            sign, reached = (">=", ratio >= self.goal)
        return (
            f"{self.what:<46}{median(self.figures):>10,.1f} {self.unit:<4}"
            f"{self.ceiling_name:<40}{median(self.ceilings):>10,.1f} {self.unit:<4}"
            f"ratio {ratio:5.2f}  goal {sign} {self.goal:<5} {'ok' if reached else 'SHORT'}"
        )


def waiting(what: str, milliseconds: list[float]) -> str:
    """Return the line of how long callers waited; it stands beside no ceiling."""
    waits = sorted(milliseconds)
    p50, p95 = (waits[int(len(waits) * share)] for share in (0.5, 0.95))
    return f"{what:<46}{p50:>10,.1f} ms  p95 {p95:,.1f} ms, worst {waits[-1]:,.1f} ms"

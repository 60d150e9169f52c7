"""What a value is compared with: its baseline, or the value of an earlier period. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.scoring.figures import Figure


@dataclass(frozen=True, slots=True)
class BaselineValue:
    """The indicator's value at the end of `year`."""

    year: int
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparable:
    """The earlier value that a trend target is compared with, and its source.

    `lacking` names its missing parts: nothing is compared with an incomplete value.
    """

    period: str
    figure: Figure
    source: Literal["reported", "baseline"]
    lacking: tuple[str, ...] = ()

"""What a value is compared with: its baseline, or the value of an earlier period. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.scoring.figures import Figure


@dataclass(frozen=True, slots=True)
class BaselineValue:
    """Where the indicator stood at the end of `year`."""

    year: int
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparable:
    """The earlier value that a rising target is compared with, and where it was found.

    `lacking` names the parts that it lacks: nothing is compared with less than a whole.
    """

    period: str
    figure: Figure
    source: Literal["reported", "baseline"]
    lacking: tuple[str, ...] = ()

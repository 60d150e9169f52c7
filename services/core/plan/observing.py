"""The format of other sources of a plan's figures, and of tolerances between two figures."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.identity.rules import RECORDING_ROLES, RecordingRole
from services.core.kit.decimals import ExactDecimal, times, total
from services.core.kit.said import Line, Prose
from services.core.plan.members import Entry
from services.core.plan.written import Code, Days

ConflictOwner = Literal["unit", "lead", "office"]


class Tolerance(Entry):
    """How far two figures of one thing may lie apart and still say the same.

    They do where their difference is at most `absolute`, in the indicator's unit of measure, or
    at most the share `relative` (0.01 is 1 %) of the larger amount of the two: the rule of
    PEP 485, which gives the same verdict whichever of the two is named first.
    """

    absolute: ExactDecimal = Decimal(0)
    relative: ExactDecimal = Decimal(0)

    def allowed(self, one: Decimal, other: Decimal) -> Decimal:
        """Return the largest allowed difference between two values, exactly."""
        larger = max(one.copy_abs(), other.copy_abs())
        return max(self.absolute, times(self.relative, larger))


def apart(one: Decimal, other: Decimal) -> Decimal:
    """Return the absolute difference of two numbers, exactly."""
    return total([one, other.copy_negate()]).copy_abs()


class ObservationSource(Entry):
    """Where else figures come from: another unit, a platform above, a yearbook, a system.

    A key of one of the `roles` hands in its figures; where `units` are named, only a key of one
    of them, or the office's.
    """

    code: Code
    name: Line
    kind: Literal["unit", "platform", "yearbook", "system"]
    roles: Annotated[tuple[RecordingRole, ...], Field(min_length=1)] = RECORDING_ROLES
    units: Annotated[tuple[Code, ...], Field(max_length=2000)] = ()
    note: Prose | None = None


class ObservationRules(Entry):
    """Which other sources there are, and what follows where their figures differ.

    `tolerance` holds for the indicators that state none. Who has to decide on a difference is its
    `owner`: the unit that the figure is of, the first lead of the indicator, or the office; within
    `decision_days` working days.
    """

    sources: Annotated[tuple[ObservationSource, ...], Field(max_length=100)] = ()
    tolerance: Tolerance = Tolerance()
    owner: ConflictOwner = "unit"
    decision_days: Days = 5

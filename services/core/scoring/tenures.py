"""Whose value is the city's, at which time: what was reported before a handover stays.

Only where units combine directly; otherwise every unit's value counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenure:
    """From which log position on the value of a unit is the city's; None: of every unit."""

    since: int
    organization_code: str | None


Tenures = Mapping[str, Sequence[Tenure]]
"""The tenures of each indicator, oldest first."""


def rank(tenures: Sequence[Tenure], organization_code: str, from_position: int) -> int:
    """Return the number of the last tenure by which a value counts; -1: by none.

    It counts by the tenures of its unit that had begun when the value began to count. So the value
    of a former owner that is approved after the handover still counts, and gives way only to a
    value of a later owner.
    """
    return max(
        (
            number
            for number, tenure in enumerate(tenures)
            if tenure.since <= from_position
            and tenure.organization_code in {None, organization_code}
        ),
        default=-1,
    )


def units_named(tenures: Iterable[Tenure]) -> frozenset[str | None]:
    """Return the units that ever owned; None is among them where every unit did."""
    return frozenset(tenure.organization_code for tenure in tenures)

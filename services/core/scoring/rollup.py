"""From attainments to group scores, a score and its coverage. Grades are in `scoring.gate`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import quotient, times, total
from services.core.scoring.figures import ZERO, Figure, added, fraction
from services.core.scoring.judgement import ASSESSED, State


@dataclass(frozen=True, slots=True)
class Part:
    """An indicator's part in the score. `attainment` is there in the assessed states alone."""

    group: str
    state: State
    weight: Decimal
    attainment: Decimal | None


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group's share of the result. `weight` is the plan's; None for score: nothing to add."""

    code: str
    weight: Decimal
    score: Decimal | None
    coverage: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Total:
    """The score (0–100) and how much of the plan it speaks for (0–1)."""

    score: Decimal | None
    coverage: Decimal | None
    groups: tuple[GroupScore, ...]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of one group, in the group's own weights: Σ weight × attainment, and Σ weight."""

    points: Decimal
    assessed: Decimal
    applicable: Decimal
    all_not_applicable: bool


def roll_up(groups: Mapping[str, Decimal | None], parts: Sequence[Part]) -> Total:
    """Return the score of all parts. `groups` gives each group's weight, None: its parts' sum.

    With A the assessed and N the applicable weight within a group of weight W: the group's
    score is Σ w·a ÷ A, and it enters the total with W × A ÷ N. So the weight of what is not
    applicable is shared within its group, and the weight of what cannot be assessed yet
    leaves both. Coverage = Σ W × A ÷ N ÷ Σ W over the groups that apply at all. Every sum is an
    exact fraction, divided once.
    """
    by_group: dict[str, list[Part]] = {code: [] for code in groups}
    for part in parts:
        by_group[part.group].append(part)
    scores, points, present, whole = [], [], [], []
    for code, stated in groups.items():
        members = by_group[code]
        weight = total([part.weight for part in members]) if stated is None else stated
        sums = _sums(members)
        scores.append(_group_score(code, weight, sums))
        if sums.applicable == 0:
            continue
        points.append(fraction(times(weight, sums.points), sums.applicable))
        present.append(fraction(times(weight, sums.assessed), sums.applicable))
        whole.append(weight)
    reached, spoken_for, all_weight = added(points), added(present), total(whole)
    return Total(
        score=_ratio(reached, spoken_for) if spoken_for.top else None,
        coverage=_ratio(spoken_for, Figure(all_weight)) if all_weight else None,
        groups=tuple(scores),
    )


def _ratio(left: Figure, right: Figure) -> Decimal:
    return quotient(times(left.top, right.bottom), times(left.bottom, right.top))


def _sums(members: Sequence[Part]) -> _Sums:
    assessed = [part for part in members if part.state in ASSESSED]
    return _Sums(
        points=total([times(part.weight, part.attainment or ZERO) for part in assessed]),
        assessed=total([part.weight for part in assessed]),
        applicable=total([part.weight for part in members if part.state != "not_applicable"]),
        all_not_applicable=bool(members)
        and all(part.state == "not_applicable" for part in members),
    )


def _group_score(code: str, weight: Decimal, sums: _Sums) -> GroupScore:
    if sums.applicable == 0:
        reason = "group_not_applicable" if sums.all_not_applicable else "group_without_weight"
        return GroupScore(code, weight, None, None, reason)
    coverage = quotient(sums.assessed, sums.applicable)
    if sums.assessed == 0:
        return GroupScore(code, weight, None, coverage, "group_not_assessable")
    return GroupScore(code, weight, quotient(sums.points, sums.assessed), coverage, None)

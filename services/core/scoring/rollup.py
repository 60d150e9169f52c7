"""From attainments to group scores, a score and its coverage. Grades are in `scoring.gate`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import quotient, times, total
from services.core.plan.members import Sharing
from services.core.scoring.figures import ZERO, Figure, added, fraction
from services.core.scoring.judgement import ASSESSED, ScoreState


@dataclass(frozen=True, slots=True)
class Part:
    """An indicator's part in the score. Only the assessed states have an `attainment`."""

    group: str
    state: ScoreState
    weight: Decimal
    attainment: Decimal | None


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group's share of the result. `weight` is the plan's; `score` None: nothing was assessed.

    `effective_weight` is the remaining weight if that of "not applicable" indicators is not shared.
    """

    code: str
    weight: Decimal
    effective_weight: Decimal
    score: Decimal | None
    coverage: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Total:
    """The score (0–100) and its coverage, the assessed share of the plan (0–1).

    `weight` is that of all groups that apply; `weights` are those of the parts, in their order,
    after sharing; None: not applicable.
    """

    score: Decimal | None
    coverage: Decimal | None
    weight: Decimal
    groups: tuple[GroupScore, ...]
    weights: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of one group, in shared weights of any scale: Σ weight × attainment, and Σ weight.

    `shared` are the weights of its members, None if not applicable; `kept` is the remaining
    fraction of the group's weight, as (numerator, denominator); None: all of it.
    """

    points: Decimal
    assessed: Decimal
    applicable: Decimal
    all_not_applicable: bool
    shared: tuple[Decimal | None, ...]
    kept: tuple[Decimal, Decimal] | None


def roll_up(
    groups: Mapping[str, Decimal | None],
    parts: Sequence[Part],
    sharing: Sharing = "proportional",
) -> Total:
    """Return the score of all parts. `groups` gives each group's weight, None: its parts' sum.

    With A the assessed and N the applicable weight within a group of weight W: the group's score is
    Σ w·a ÷ A, and it enters the total with W × A ÷ N. So the weight of "not applicable" parts is
    shared within the group, and the weight of parts that cannot be assessed yet leaves group and
    total. Coverage = Σ W × A ÷ N ÷ Σ W over the groups that apply. Every sum is an exact fraction,
    divided once.

    This is the `sharing` "proportional". "equally" adds the same amount to each applicable w above
    0; if nothing is shared, W shrinks to its applicable part.
    """
    by_group: dict[str, list[int]] = {code: [] for code in groups}
    for place, part in enumerate(parts):
        by_group[part.group].append(place)
    scores, points, present, whole = [], [], [], []
    weights: list[Decimal | None] = [None] * len(parts)
    for code, stated in groups.items():
        members = [parts[place] for place in by_group[code]]
        weight = total([part.weight for part in members]) if stated is None else stated
        sums = _sums(members, sharing)
        left = Figure(weight)
        if sums.kept is not None:
            left = _part_of(left, *sums.kept)
        scores.append(_group_score(code, weight, left.value, sums))
        if sums.applicable == 0:
            continue
        points.append(_part_of(left, sums.points, sums.applicable))
        present.append(_part_of(left, sums.assessed, sums.applicable))
        whole.append(left)
        for place, share in zip(by_group[code], sums.shared, strict=True):
            if share is not None:
                same = left == Figure(sums.applicable)
                weights[place] = share if same else _part_of(left, share, sums.applicable).value
    reached, spoken_for, all_weight = added(points), added(present), added(whole)
    return Total(
        score=_ratio(reached, spoken_for) if spoken_for.top else None,
        coverage=_ratio(spoken_for, all_weight) if all_weight.top else None,
        weight=all_weight.value,
        groups=tuple(scores),
        weights=tuple(weights),
    )


def _part_of(weight: Figure, top: Decimal, bottom: Decimal) -> Figure:
    """Return weight × top ÷ bottom."""
    return fraction(times(weight.top, top), times(weight.bottom, bottom))


def _ratio(left: Figure, right: Figure) -> Decimal:
    return quotient(times(left.top, right.bottom), times(left.bottom, right.top))


def _sums(members: Sequence[Part], sharing: Sharing) -> _Sums:
    shared = _shared(members, sharing)
    assessed = [
        (share, part.attainment or ZERO)
        for share, part in zip(shared, members, strict=True)
        if share is not None and part.state in ASSESSED
    ]
    own = total([part.weight for part in members if part.state != "not_applicable"])
    everything = total([part.weight for part in members])
    return _Sums(
        points=total([times(share, reached) for share, reached in assessed]),
        assessed=total([share for share, _ in assessed]),
        applicable=total([share for share in shared if share is not None]),
        all_not_applicable=bool(members)
        and all(part.state == "not_applicable" for part in members),
        shared=shared,
        kept=(own, everything) if sharing == "not_shared" and own else None,
    )


def _shared(members: Sequence[Part], sharing: Sharing) -> tuple[Decimal | None, ...]:
    """Return the weights of members after sharing, all multiplied by the same number."""
    applies = [part.state != "not_applicable" for part in members]
    bearers = sum(
        applying and part.weight > 0 for applying, part in zip(applies, members, strict=True)
    )
    lost = total([part.weight for part in members if part.state == "not_applicable"])
    if sharing != "equal" or not lost or not bearers:
        return tuple(
            part.weight if applying else None
            for applying, part in zip(applies, members, strict=True)
        )
    # w + lost ÷ bearers for each, all multiplied by the number of bearers, so nothing is rounded.
    return tuple(
        (total([times(part.weight, Decimal(bearers)), lost]) if part.weight > 0 else ZERO)
        if applying
        else None
        for applying, part in zip(applies, members, strict=True)
    )


def _group_score(code: str, weight: Decimal, left: Decimal, sums: _Sums) -> GroupScore:
    if sums.applicable == 0:
        reason = "group_not_applicable" if sums.all_not_applicable else "group_without_weight"
        return GroupScore(code, weight, ZERO, None, None, reason)
    coverage = quotient(sums.assessed, sums.applicable)
    if sums.assessed == 0:
        return GroupScore(code, weight, left, None, coverage, "group_not_assessable")
    score = quotient(sums.points, sums.assessed)
    return GroupScore(code, weight, left, score, coverage, None)

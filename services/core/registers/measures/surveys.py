"""The share that a survey gives, with its interval, weighted if a frame is known. Pure.

Its input is counts only: for each group, the valid answers, and how many of them gave this answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

from services.core.kit.decimals import quotient, times, total
from services.core.plan.count_entries import SurveyRule
from services.core.registers.measures.wilson import Interval, wilson

SurveyRefusal = Literal[
    "answers-contradict", "too-few-answers", "group-too-small", "frame-incomplete", "frames-differ"
]

_PRECISION = Context(prec=60)


@dataclass(frozen=True, slots=True)
class SurveyGroup:
    """The answers of a group: how many were valid, and how many of them were positive.

    `frame` is the size of the population that the group was drawn from, None: not every row states
    it. `frames` is how many different sizes were stated. `wrong` is how many of its rows are
    impossible: more positive answers than answers, a number that is missing or below 0, or an empty
    frame. The plan refuses such rows today, but rows of an earlier version may contain them.
    """

    name: str
    answers: Decimal
    positive: Decimal
    frame: Decimal | None
    frames: int
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class SurveyShare:
    """A share and its interval; with `refused` there is none, for this reason.

    `numerator` over `denominator` is the share: counts, or if weighted, people of the frame.
    `answers` is the sample size, `effective` the effective sample size of the interval.
    """

    answers: Decimal
    weighted: bool
    refused: SurveyRefusal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    effective: Decimal | None = None
    interval: Interval | None = None


def survey_share(groups: Sequence[SurveyGroup], rule: SurveyRule) -> SurveyShare:
    """Return the share that a survey's groups give by the plan's rule.

    Without a frame the share is Σ positive ÷ Σ answers. With one it is Σ N·positive/answers ÷ Σ N,
    where N is a group's frame: each product is divided at 20 decimal places, half even. Its
    interval then uses the effective sample size (ΣN)² ÷ Σ(N²/answers), by Kish, Weighting for
    unequal Pi, Journal of Official Statistics 8 (1992), 183–200. It equals the sample size if each
    group was sampled in proportion, and is smaller otherwise; the squares have 60 digits, and the
    result is rounded half even to 20 places.

    There is no share if a row contradicts itself, if there are too few answers, or if only some
    groups have a frame or one has two.
    """
    answers = total([one.answers for one in groups])
    weighted = any(one.frames for one in groups)
    refused = _refusal(groups, answers, rule)
    if refused is not None:
        return SurveyShare(answers, weighted, refused)
    if weighted:
        above = total([_in_frame(one) for one in groups])
        below = total([one.frame or Decimal(0) for one in groups])
        effective = _effective(groups, below)
    else:
        above, below, effective = total([one.positive for one in groups]), answers, answers
    found = wilson(quotient(above, below), effective, rule.confidence)
    return SurveyShare(answers, weighted, None, above, below, effective, found)


def _refusal(
    groups: Sequence[SurveyGroup], answers: Decimal, rule: SurveyRule
) -> SurveyRefusal | None:
    if any(one.wrong or not 0 <= one.positive <= one.answers for one in groups):
        return "answers-contradict"
    if answers < rule.least:
        return "too-few-answers"
    if any(one.answers < rule.least_in_group for one in groups):
        return "group-too-small"
    if any(one.frames > 1 for one in groups):
        return "frames-differ"
    framed = [one.frame is not None for one in groups]
    stated = any(one.frames for one in groups)
    return "frame-incomplete" if stated and not all(framed) else None


def _in_frame(one: SurveyGroup) -> Decimal:
    """Return how many of a group's frame would have given the positive answer."""
    return quotient(times(one.frame or Decimal(0), one.positive), one.answers)


def _effective(groups: Sequence[SurveyGroup], below: Decimal) -> Decimal:
    at = _PRECISION
    frames = [(one.frame or Decimal(0), one.answers) for one in groups]
    squares = [at.divide(times(frame, frame), answers) for frame, answers in frames]
    return quotient(times(below, below), total(squares))

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
    """The answers of a group: how many were valid, and how many of them were the one meant.

    `frame` is how many people the group was drawn from, None: not every row of it says so.
    `frames` is how many different sizes were stated. `wrong` is how many of its rows say what no
    survey finds: more who gave the answer than were asked, a number that is missing or below 0, or
    a frame of nobody. The plan asks rows for better; those of an earlier version of it may not be.
    """

    name: str
    answers: Decimal
    positive: Decimal
    frame: Decimal | None
    frames: int
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class SurveyShare:
    """A share and its interval; with `refused` there is none, and this is why.

    `numerator` over `denominator` is the share: counts, or of a weighted one how many of the
    frame. `answers` is how many there were, `effective` for how many they count in the interval.
    """

    answers: Decimal
    weighted: bool
    refused: SurveyRefusal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    effective: Decimal | None = None
    interval: Interval | None = None


def survey_share(groups: Sequence[SurveyGroup], rule: SurveyRule) -> SurveyShare:
    """Return what the groups of a survey give by the plan's rule.

    Without a frame the share is Σ positive ÷ Σ answers. With one it is Σ N·positive/answers ÷ Σ N,
    where N is a group's frame: each product is divided at 20 decimal places, half even. Its
    interval is then that of an effective size (ΣN)² ÷ Σ(N²/answers), by Kish, Weighting for
    unequal Pi, Journal of Official Statistics 8 (1992), 183–200: as many answers where each group
    was asked in proportion, and fewer otherwise; the squares to 60 digits, the whole rounded half
    even to 20 places.

    There is none where a row contradicts itself, none of too few answers, nor where some groups
    have a frame and others have not, or one has two.
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
    """Return how many of a group's frame would have given the answer."""
    return quotient(times(one.frame or Decimal(0), one.positive), one.answers)


def _effective(groups: Sequence[SurveyGroup], below: Decimal) -> Decimal:
    at = _PRECISION
    frames = [(one.frame or Decimal(0), one.answers) for one in groups]
    squares = [at.divide(times(frame, frame), answers) for frame, answers in frames]
    return quotient(times(below, below), total(squares))

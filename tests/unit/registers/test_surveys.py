"""The share of a survey: weighted where a frame is known, refused where answers do not bear it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.count_entries import SurveyRule
from services.core.registers.measures.surveys import SurveyGroup, survey_share

RULE = SurveyRule(answers="answers", group="group", frame="frame", least=385)


def group(
    answers: int, positive: int, frame: int | None = None, frames: int | None = None
) -> SurveyGroup:
    stated = int(frame is not None) if frames is None else frames
    size = None if frame is None else Decimal(frame)
    return SurveyGroup("g", Decimal(answers), Decimal(positive), size, stated)


@st.composite
def answered(draw: st.DrawFn) -> SurveyGroup:
    answers = draw(st.integers(min_value=1, max_value=999_999_999))
    frame = draw(st.integers(min_value=1, max_value=999_999_999))
    return group(answers, draw(st.integers(min_value=0, max_value=answers)), frame)


def test_the_share_of_the_residents_that_were_asked() -> None:
    found = survey_share([group(634, 520)], RULE)
    assert (found.numerator, found.denominator) == (Decimal(520), Decimal(634))
    assert not found.weighted
    assert found.interval is not None
    bounds = (round(found.interval.lower, 4), round(found.interval.upper, 4))
    assert bounds == (Decimal("0.7884"), Decimal("0.8481"))


def test_groups_weigh_by_those_whom_they_stand_for() -> None:
    # 1,000 of whom half, and 9,000 of whom nine in ten: (500 + 8,100) of 10,000.
    found = survey_share([group(200, 100, 1000), group(200, 180, 9000)], RULE)
    assert (found.numerator, found.denominator) == (Decimal(8600), Decimal(10000))
    assert found.weighted
    # (10,000)² ÷ (1,000²/200 + 9,000²/200) = 10⁸ ÷ 410,000.
    assert found.effective is not None
    assert round(found.effective, 6) == Decimal("243.902439")


@pytest.mark.parametrize(
    ("groups", "refused"),
    [
        ([group(384, 300)], "too-few-answers"),
        ([], "too-few-answers"),
        ([group(385, 300), group(0, 0)], "group-too-small"),
        ([group(385, 300, 9000), group(10, 5)], "frame-incomplete"),
        ([group(385, 300, None, frames=1)], "frame-incomplete"),
        ([group(385, 300, 9000, frames=2)], "frames-differ"),
        ([group(400, 401)], "answers-contradict"),
        ([group(400, -1)], "answers-contradict"),
        ([group(800, 300), group(400, 401)], "answers-contradict"),
        ([replace(group(800, 300), wrong=1)], "answers-contradict"),
        ([group(5, 6)], "answers-contradict"),
    ],
)
def test_what_does_not_bear_a_share_gives_none(groups: list[SurveyGroup], refused: str) -> None:
    found = survey_share(groups, RULE)
    assert found.refused == refused
    assert (found.numerator, found.interval, found.effective) == (None, None, None)


@given(
    st.lists(
        st.builds(
            group,
            st.integers(min_value=-(10**38), max_value=10**38),
            st.integers(min_value=-(10**38), max_value=10**38),
            st.one_of(st.none(), st.integers(min_value=1, max_value=10**38)),
        ),
        max_size=5,
    )
)
def test_no_counts_whatever_raise(groups: list[SurveyGroup]) -> None:
    found = survey_share(groups, RULE)
    assert (found.refused is None) is (found.interval is not None)


def test_the_greatest_numbers_that_rows_may_hold_give_a_share() -> None:
    most = 10**38 - 1
    found = survey_share([group(most, most, most)] * 1000, RULE)
    assert found.refused is None
    assert found.effective == 1000 * most


def test_the_least_number_of_answers_is_enough() -> None:
    assert survey_share([group(385, 300)], RULE).refused is None


@given(st.lists(answered(), min_size=1, max_size=20))
def test_a_weighted_share_lies_between_those_of_its_groups(groups: list[SurveyGroup]) -> None:
    found = survey_share(groups, RULE.model_copy(update={"least": 1}))
    assert found.numerator is not None
    assert found.denominator is not None
    assert found.interval is not None
    share = found.numerator / found.denominator
    shares = [one.positive / one.answers for one in groups]
    slack = Decimal("1e-18")
    assert min(shares) - slack <= share <= max(shares) + slack
    assert found.interval.lower - slack <= share <= found.interval.upper + slack


@given(st.lists(answered(), min_size=1, max_size=20))
def test_weights_never_make_more_answers_of_them(groups: list[SurveyGroup]) -> None:
    found = survey_share(groups, RULE.model_copy(update={"least": 1}))
    assert found.effective is not None
    assert found.effective <= found.answers + Decimal("1e-9")


@given(st.lists(answered(), min_size=1, max_size=20))
def test_in_proportion_each_answer_counts_as_one(groups: list[SurveyGroup]) -> None:
    """A frame of as many times the answers in every group weighs nothing."""
    same = [group(int(one.answers), int(one.positive), int(one.answers) * 7) for one in groups]
    plain = [group(int(one.answers), int(one.positive)) for one in groups]
    rule = RULE.model_copy(update={"least": 1})
    weighted, alone = survey_share(same, rule), survey_share(plain, rule)
    assert weighted.effective is not None
    assert abs(weighted.effective - weighted.answers) < Decimal("1e-9")
    assert weighted.numerator is not None
    assert alone.numerator is not None
    assert abs(weighted.numerator - alone.numerator * 7) < Decimal("1e-15")

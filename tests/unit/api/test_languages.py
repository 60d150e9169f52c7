"""Which of the two languages an answer is in."""

import pytest

from services.api.problems import preferred_language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "zh-CN"),
        ("en", "en"),
        ("EN-gb", "en"),
        ("zh", "zh-CN"),
        ("fr", "zh-CN"),
        ("zh-Hans,en;q=0.9", "zh-CN"),
        ("en,zh;q=0.9", "en"),
        ("en;q=0.5,zh-TW;q=0.8", "zh-CN"),
        ("fr, en; q=0.1", "en"),
        ("en;q=0.5, zh;q=0.5", "en"),
        ("zh;q=0.5, en;q=0.5", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=much, zh;q=0.1", "zh-CN"),
        ("zh;q=0.1, en;q=much", "zh-CN"),
        ("fr;q=much, en;q=0.1", "en"),
        ("zh;q=0.1, en;q=0.2", "en"),
        ("zh;q=1, en", "zh-CN"),
        ("en;q=1, zh", "en"),
        ("fr," * 19 + "en", "en"),
        ("fr," * 20 + "en", "zh-CN"),
    ],
)
def test_the_language_of_the_greatest_weight_is_taken_and_else_chinese(
    accepted: str, language: str
) -> None:
    assert preferred_language(accepted) == language

"""Blank text is no answer: where a text may be left out it is null, else its type refuses it."""

import sys
from typing import Annotated

import pytest
from annotated_types import Gt
from pydantic import StringConstraints, TypeAdapter, ValidationError

from services.core.kit.forms import form, form_of
from services.core.kit.said import Said, Title, Words, in_one_line, trimmed

BLANKS = (
    *("", " ", "\u3000", "\u200b", "\ufeff", "\u2060", "\t\u3000\r\n", "\x00", "\x7f", "\x85"),
    *("\u200d", "\u00ad", "\u180e", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u2028"),
    *("\u200e", "\u202e", "\ufe0f", "\u034f", "\U000e0001", "\u2800 \u200d\u3164"),
)
Formed = Annotated[str, form("^u[0-9]+$", "如 u1", "Such as u1")]


class Body(Said):
    wanted: Words
    reason: Words | None = None
    plain: str | None = None
    formed: Formed | None = None
    short: Annotated[str, StringConstraints(min_length=0)] | None = None
    number: int | None = None
    names: list[str] | None = None


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_is_null_where_a_text_may_be_left_out(blank: str) -> None:
    body = Body.model_validate({"wanted": "a", "reason": blank, "plain": blank, "short": blank})
    assert (body.reason, body.plain, body.short) == (None, None, None)


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_is_refused_where_a_text_is_required_or_has_a_form(blank: str) -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        Body.model_validate({"wanted": blank})
    with pytest.raises(ValidationError, match="formed"):
        Body.model_validate({"wanted": "a", "formed": blank})
    with pytest.raises(ValidationError, match="number"):
        Body.model_validate({"wanted": "a", "number": blank})


def test_text_is_trimmed_wherever_it_stands_and_kept_within() -> None:
    body = Body.model_validate(
        {"wanted": "\u3000一 二\ufeff", "names": [" a ", "b"], "formed": " u12 "}
    )
    assert (body.wanted, body.names, body.formed) == ("一 二", ["a", "b"], "u12")
    assert trimmed("\u200b x\u00a0y \u2060") == "x\u00a0y"


def test_every_space_of_unicode_is_trimmed() -> None:
    spaces = "".join(one for one in map(chr, range(sys.maxunicode + 1)) if one.isspace())
    assert trimmed(f"{spaces}a{spaces}") == "a"


def test_a_member_that_is_unknown_is_refused_and_no_object_is_none() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Body.model_validate({"wanted": "a", "x": 1})
    with pytest.raises(ValidationError, match="dictionary"):
        Body.model_validate(["wanted"])


def test_a_form_is_held_to_its_pattern_and_told_by_it() -> None:
    for wrong in ("u", "x1", "1"):
        with pytest.raises(ValidationError, match="pattern"):
            Body.model_validate({"wanted": "a", "formed": wrong})
    told = form_of("^u[0-9]+$")
    assert told is not None
    assert (told.zh, told.en) == ("如 u1", "Such as u1")
    assert form_of("^never$") is None


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f527",  # two pictures joined to one
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # letters kept apart
        "\u0646\u200d",  # a letter as it is joined, alone
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",  # a flag that ends in a tag
        "\u2764\ufe0f",  # a heart in colour
        "\u0600\u0661",  # a sign of number
        "\u0600",
        "\u200f\u05d0\u200f",
        "回\u00ad收",
    ],
)
def test_what_prints_nothing_stays_where_it_shapes_what_prints(text: str) -> None:
    assert trimmed(text) == text
    assert trimmed(f"\u3000{text}\u200b") == text


def test_which_members_may_be_blank_is_found_as_a_shape_is_made() -> None:
    class Shape(Said):
        plain: str | None = None
        words: Words | None = None
        formed: Annotated[str, StringConstraints(pattern="^u")] | None = None
        number: int | None = None
        counted: Annotated[int, Gt(0)] | None = None
        needed: str = ""
        either: int | str = 0

    blank = dict.fromkeys(("plain", "words"), " ")
    assert Shape.model_validate(blank).model_dump(include={"plain", "words"}) == {
        "plain": None,
        "words": None,
    }
    assert Shape.model_validate({"needed": " ", "either": " "}).model_dump(
        include={"needed", "either"}
    ) == {"needed": "", "either": ""}
    for name in ("formed", "number", "counted"):
        with pytest.raises(ValidationError, match=name):
            Shape.model_validate({name: " "})


def test_a_form_holds_as_soon_as_it_is_made() -> None:
    made = TypeAdapter(Annotated[str, form("^v[0-9]$", "如 v1", "Such as v1")])
    assert made.validate_python("v1") == "v1"
    with pytest.raises(ValidationError, match="pattern"):
        made.validate_python("w1")


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\x1b", "\x85", "\u2028", "\u2029"])
def test_what_something_is_called_is_one_line(sign: str) -> None:
    title: TypeAdapter[str] = TypeAdapter(Title)
    with pytest.raises(ValidationError, match="one line"):
        title.validate_python(f"a{sign}b")
    assert title.validate_python("家\u200d庭 甲") == "家\u200d庭 甲"
    assert in_one_line(f"a{sign}b") == "a\ufffdb"
    assert in_one_line("甲 b") == "甲 b"

"""JSON at its bounds: how many, how deep, how long; and texts that no database can hold."""

from decimal import Decimal

import pytest

from services.core.kit.exact_data import (
    DEEPEST,
    LONGEST_INTEGER,
    MOST_MEMBERS,
    MOST_VALUES,
    MalformedBody,
    read_json,
)


def refused(text: str) -> str:
    with pytest.raises(MalformedBody) as told:
        read_json(text.encode())
    assert told.value.detail is not None
    return told.value.detail.en


def test_an_integer_is_one_up_to_its_longest_and_a_decimal_beyond() -> None:
    longest, longer = "9" * LONGEST_INTEGER, "9" * (LONGEST_INTEGER + 1)
    assert type(read_json(longest.encode())) is int
    assert type(read_json(longer.encode())) is Decimal
    assert read_json(longer.encode()) == Decimal(longer)
    assert read_json(b"1.10") == Decimal("1.10")


def test_an_object_has_so_many_members_and_no_name_twice() -> None:
    def an_object(count: int) -> str:
        return "{" + ",".join(f'"m{number}":1' for number in range(count)) + "}"

    assert len(read_json(an_object(MOST_MEMBERS).encode())) == MOST_MEMBERS
    assert "more than" in refused(an_object(MOST_MEMBERS + 1))
    assert "twice" in refused('{"a":1,"a":1}')


def test_a_document_has_so_many_values() -> None:
    most = "[" + ",".join("1" * 1 for _ in range(MOST_VALUES + 1)) + "]"
    assert len(read_json(most.encode())) == MOST_VALUES + 1
    assert "values" in refused(most.replace("]", ",1]"))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_document_is_so_deep(opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return opening * levels + "1" + closing * levels

    assert read_json(nested(DEEPEST).encode()) is not None
    assert "deeper" in refused(nested(DEEPEST + 1))
    # A text with an escape is walked through, and the walk counts the same levels.
    assert read_json(f'{"[" * DEEPEST}"\\u0041"{"]" * DEEPEST}'.encode()) is not None
    # More brackets than levels are counted level by level, an empty list or object as none.
    many = f'[{nested(DEEPEST - 1)}, [], {{}}, [[[1]]], {{"a": [2]}}]'
    assert read_json(many.encode()) is not None
    assert read_json(f"{'[' * DEEPEST}[]{']' * DEEPEST}".encode()) is not None
    assert "deeper" in refused(f"[[], {nested(DEEPEST)}]")
    assert "deeper" in refused(f"{'[' * DEEPEST}[[]]{']' * DEEPEST}")
    half = DEEPEST // 2 + 1
    mixed = "[" * half + '{"a":' * half + "1" + "}" * half + "]" * half
    assert "deeper" in refused(mixed)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('"\\u0000"', ""),
        ('"\\ud800"', ""),
        ('{"\\ud800": 1}', ""),
        ('["a", ["\\u0000"]]', " at /1/0"),
        ('{"a": "\\udfff"}', " at /a"),
        ('{"a/b": ["\\u4e00", {"c": "\\udfff"}], "d": "\\ud800"}', " at /a~1b/1/c"),
        ('{"a": {"b": 1, "\\u0000": 2}}', " at /a"),
    ],
)
def test_a_text_that_no_database_can_hold_is_refused_with_its_place(text: str, place: str) -> None:
    assert refused(text).startswith(f"A text holds U+0000 or a lone surrogate{place}: ")


def test_a_mark_at_the_beginning_is_no_part_of_it() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": "\\u4e00"}') == {"a": "一"}

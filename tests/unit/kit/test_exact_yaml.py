"""YAML as YAML 1.2 says it: what scalars mean, what is refused, how the work grows."""

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.exact_data import MalformedBody
from services.core.kit.exact_yaml import lines_of, read_yaml


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("017", 17),
        ("-0", 0),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", Decimal("1E+3")),
        ("0.10", Decimal("0.10")),
        (".5", Decimal("0.5")),
        ("1.", Decimal(1)),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("2025-03-20", "2025-03-20"),
        ("'017'", "017"),
        ("!!str 017", "017"),
        ("=", "="),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    found = read_yaml(f"value: {written}".encode())["value"]
    assert found == meant
    assert type(found) is type(meant)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20))
def test_every_digit_of_a_number_is_kept(number: Decimal) -> None:
    assert f"{read_yaml(f'[{number:f}]'.encode())[0]:f}" == f"{number:f}"


def test_the_names_of_members_are_text_whatever_they_look_like() -> None:
    assert read_yaml(b"2025: a\nyes: b\nnull: c\n<<: d") == {
        "2025": "a",
        "yes": "b",
        "null": "c",
        "<<": "d",
    }


@pytest.mark.parametrize(
    ("body", "zh"),
    [
        (b"a: &x 1\nb: *x", "第 2 行第 4 列：不接受别名"),
        (b"a: 1\nb: 2\na: 3", "第 3 行第 1 列：名称重复"),
        (b"a: b: c", "第 1 行第 5 列：此处不能出现"),
        (b"a:\n\t- 1", "第 2 行第 1 列：此字符不能用作开头"),
        (b"a: !!python/object:os.system x", "标签"),
        (b"a: !!int x", "标签"),
        (b"? [a]\n: 1", "名称应为文本"),
        (b"a: 1\n---\nb: 2", "应只有一份文档"),
        (b"%TAG !a! b\n--- 1", "%TAG"),
        (b"a: 1e999999999999999999999", "数值超出范围"),
        (b"[" * 65 + b"]" * 65, "嵌套超过 64 层"),
        (b"[" + b"1," * 400_001 + b"]", "数值多于"),
        (b"".join(b"a%d: 1\n" % number for number in range(1001)), "成员多于"),
        ("a: 市".encode("gb18030"), "另存为 UTF-8"),
        (b'a: "\\uD800"', "不是有效的 YAML"),
    ],
)
def test_what_cannot_be_read_safely_is_refused_in_chinese(body: bytes, zh: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        read_yaml(body)
    assert refused.value.detail is not None
    assert zh in refused.value.detail.zh
    assert refused.value.detail.en.isascii()


def test_64_levels_are_not_too_deep() -> None:
    assert read_yaml(b"[" * 64 + b"]" * 64)


def test_lines_are_told_by_pointer_of_yaml_and_json_alike() -> None:
    as_yaml = lines_of("a: 1\nb:\n  - c: 2\n    d/e: 3\n")
    as_json = lines_of('{"a": 1,\n "b": [\n {"c": 2,\n  "d/e": 3}]}')
    wanted = {"": 1, "/a": 1, "/b": 2, "/b/0": 3, "/b/0/c": 3, "/b/0/d~1e": 4}
    assert as_yaml == wanted
    assert as_json == wanted


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "sexagesimal": lambda size: b"a: " + b"1:" * (size // 2) + b"1",
    "digits": lambda size: b"a: " + b"9" * size,
    "hexadecimals": lambda size: b"a: 0x" + b"f" * size,
    "almost a number": lambda size: b"a: " + b"1" * size + b"x",
    "tag directives": lambda size: b"%TAG !a! b\n" * (size // 11) + b"--- 1",
    "one long tag": lambda size: b"a: !" + b"x" * size + b" 1",
    "brackets": lambda size: b"[" * size,
    "questions": lambda size: b"? " * size,
    "blank lines": lambda size: b"\n" * size,
    "folded text": lambda size: b"a: >\n" + b" x\n\n" * (size // 4),
    "escapes": lambda size: b'a: "' + b"\\u0041" * (size // 6) + b'"',
    "anchors": lambda size: b"".join(b"- &a%d 1\n" % number for number in range(size // 10)),
    "entries": lambda size: b"- 1\n" * (size // 8),
    "objects": lambda size: b"- a: 1\n" * (size // 14),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_eight_times_the_text_is_no_more_than_some_eight_times_the_work(shape: str) -> None:
    small, large = (_processor_time(HOSTILE[shape](size)) for size in (100_000, 800_000))
    # Work that grows with the square would be 64 times as much. What a small text takes is
    # mostly the start of the reading, so it counts as 5 ms at least.
    assert large < 24 * max(small, 0.005)


def _processor_time(body: bytes) -> float:
    """Return the processor's seconds that this thread needs, whoever else is running."""
    taken = []
    for _ in range(2):
        start = time.thread_time()
        with suppress(MalformedBody):
            read_yaml(body)
        taken.append(time.thread_time() - start)
    return min(taken)


@pytest.mark.parametrize(
    "rest", ["c: [", "c: *a", "c: {d: 1, d: 2}", "- d"], ids=["open", "alias", "twice", "form"]
)
def test_lines_are_told_up_to_the_first_fault(rest: str) -> None:
    found = lines_of(f"a: 1\nb: 2\n{rest}")
    assert (found["/a"], found["/b"]) == (1, 2)

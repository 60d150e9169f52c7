"""What callers are told: in one language at a time, and what to write instead."""

import ast
import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter, ValidationError

from services.api.answers import strong_tags
from services.api.contract.problem_codes import problem_codes
from services.core.kit.decimals import ExactDecimal, advice
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.faults import faults_of
from services.core.kit.forms import form_of
from tests.support.api import ROOT
from tests.support.chinese import english_in
from tests.support.contract import CONTRACT


def texts() -> Iterator[tuple[str, str]]:
    """Yield every sentence in Chinese that the code holds, with where it stands."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for zh in _chinese(node):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", zh


def _chinese(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = {one.arg: one.value for one in node.keywords}
        if node.func.id in {"Text", "takes"}:
            yield from _constant(named.get("zh", node.args[0] if node.args else None))
        if node.func.id == "form":
            yield from _constant(node.args[1])
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "zh":
                yield from _constant(value)


def _constant(node: ast.AST | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "，" for one in node.values]
        yield "".join(str(one) for one in parts)


def test_no_chinese_sentence_holds_an_english_one() -> None:
    found = list(texts())
    assert len(found) > 250
    assert [(place, zh) for place, zh in found if english_in(zh)] == []


def test_a_run_of_english_words_would_be_found() -> None:
    assert english_in("不符合要求：Input should be a valid string")
    assert not english_in("应为 true 或 false；If-Match 见 `GET /v1/x`，密钥带有 events:read")


def test_every_title_of_a_problem_is_in_chinese() -> None:
    assert [one for one in problem_codes() if english_in(str(one["title_zh"]))] == []
    for one in problem_codes():
        assert re.search(r"[\u4e00-\u9fff]", str(one["title_zh"]))


BROKEN_JSON = [
    *(b"", b"{", b'{"a" 1}', b'{"a":1,}', b'{"a":1 "b":2}', b"{'a':1}", b'["a', b'"\n"', b"1 2"),
    *(rb'"\x"', rb'"\u12"', b"\xff", b"\xc3(", b"NaN", b"[Infinity]", b'{"a":1,"a":2}', b"tru"),
    *(b"[" * 70 + b"]" * 70, b"[1e999999999999999999999]", b'"\\u0000"', b'"\\ud800"'),
    b"[" + b"1," * 200_001 + b"1]",
]


@pytest.mark.parametrize("body", BROKEN_JSON, ids=lambda body: repr(body[:20]))
def test_a_text_that_is_no_json_is_told_in_chinese_with_its_place(body: bytes) -> None:
    with pytest.raises(MalformedBody) as refused:
        read_json(body)
    detail = refused.value.detail
    assert detail is not None
    assert english_in(detail.zh) == []
    assert detail.zh != "不是有效的 JSON：语法有误"


def test_a_mark_at_the_beginning_of_a_file_is_no_fault() -> None:
    assert read_json('\ufeff{"a": 1.10}'.encode())["a"].as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("written", "meant", "why"),
    [
        ("95%", "95", "去掉百分号"),
        ("95％", "95", "去掉百分号"),
        ("９５", "95", "用半角数字"),
        ("９５．５％", "95.5", "用半角数字，去掉百分号"),
        ("39,5", "39.5", "小数点写作 ."),
        ("1,234", "1234", "去掉千位分隔符"),
        ("1,234,567.8", "1234567.8", "去掉千位分隔符"),
        ("12 345", "12345", "去掉千位分隔符"),
        ("5.9万吨", "5.9", "不带单位"),
        ("12 t", "12", "不带单位"),
    ],
)
def test_a_number_written_otherwise_is_told_how_to_write_it(
    written: str, meant: str, why: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(ExactDecimal).validate_python(written)
    [fault] = faults_of(refused.value.errors())
    assert fault.detail.zh == f"请写 {meant}，{why}"
    assert f"Write {meant}" in fault.detail.en
    assert fault.code == "decimal"


@pytest.mark.parametrize("written", ["1/3", "1 ÷ 3", "１／３"])
def test_a_fraction_is_told_where_its_parts_go(written: str) -> None:
    told = advice(written)
    assert "numerator" in told.zh
    assert "denominator" in told.en


@pytest.mark.parametrize("raw", ["NaN", "1e400", "12-5", "约五", "", True, 1.5, "1.2.3", "9" * 39])
def test_what_is_no_number_at_all_is_shown_one(raw: Any) -> None:
    assert "如 39.5" in advice(raw).zh


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("abc.2", "entity-tag"),
        ('"abc', "entity-tag"),
        ("'abc'", "entity-tag"),
        ('"a" "b"', "entity-tag"),
        ('W/"abc.2"', "weak-entity-tag"),
        ('"a.1", W/"b.2"', "weak-entity-tag"),
        (None, ""),
        ("*", ""),
        ('"abc.2"', ""),
        (' "a.1" , "b.2"', ""),
    ],
)
def test_if_match_names_strong_tags_in_quotes(header: str | None, code: str) -> None:
    adapter: TypeAdapter[str | None] = TypeAdapter(
        Annotated[str | None, AfterValidator(strong_tags)]
    )
    try:
        adapter.validate_python(header)
        found = []
    except ValidationError as error:
        found = [fault.code for fault in faults_of(error.errors())]
    assert found == ([code] if code else [])


def asked_patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for one in node.values():
            yield from asked_patterns(one)
    if isinstance(node, list):
        for one in node:
            yield from asked_patterns(one)


def test_every_form_that_is_asked_for_has_words_with_an_example() -> None:
    of_numbers = {one for one in asked_patterns(CONTRACT) if "eE" in one}
    forms = set(asked_patterns(CONTRACT)) - of_numbers
    assert {one for one in forms if form_of(one) is None} == set()
    assert len(forms) > 5


def test_nobody_is_refused_without_being_told_what_it_takes() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "services").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"raise Forbidden\b(\(\))?$", line)
    ]
    assert bare == []

"""Titles of even lines whose words stay whole, and brackets that never stand in their own kind."""

import io
from datetime import date
from typing import Any

import pytest
from docx import Document
from hypothesis import example, given
from hypothesis import strategies as st

from services.core.papers.making import PaperContent
from services.core.papers.rendering import rendered
from services.core.papers.typesetting import PORTRAIT, in_brackets, title_lines, width

SIGNS = "新密市无废城市建设进展情况的通报2025年第四季度“”《》（），、。A1 "


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("征求意见稿", "（征求意见稿）"),
        ("征求意见稿（演示数据）", "（征求意见稿〔演示数据〕）"),
        ("甲（乙〔丙〕）", "（甲〔乙［丙］〕）"),
        ("（甲）（乙）", "（〔甲〕〔乙〕）"),
        ("甲）乙", "（甲〕乙）"),
        ("", "（）"),
    ],
)
def test_brackets_within_brackets_take_another_form(said: str, shown: str) -> None:
    assert in_brackets(said) == shown


@given(st.text(alphabet="甲乙（）〔〕", max_size=30))
def test_no_bracket_stands_directly_in_one_of_its_own_kind(said: str) -> None:
    shown = in_brackets(said)
    assert (shown[0], shown[-1]) == ("（", "）")
    assert "（" not in shown[1:]
    assert "）" not in shown[:-1]
    assert len(shown) == len(said) + 2


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("督办单", ["督办单"]),
        (
            "关于2025年第四季度“无废城市”建设进展情况的通报",
            ["关于2025年第四季度", "“无废城市”建设进展情况的通报"],
        ),
        (
            "关于2025年“无废城市”建设进展情况的通报",
            ["关于2025年“无废城市”", "建设进展情况的通报"],
        ),
        (
            "《新密市“十四五”时期“无废城市”建设实施方案（2023—2025年）》指标及完成情况",
            None,
        ),
    ],
)
def test_a_title_has_even_lines_and_whole_words(title: str, lines: list[str] | None) -> None:
    found = title_lines(title, PORTRAIT)
    assert "".join(found) == title
    assert lines is None or found == lines
    assert all(width(one) <= PORTRAIT for one in found)
    assert len(found) == 1 or min(map(width, found)) * 2 >= max(map(width, found))
    for word in ("建设", "情况", "通报", "无废城市", "2025", "完成", "方案"):
        assert word not in title or any(word in one for one in found)


@given(st.text(alphabet=SIGNS, min_size=1, max_size=120))
@example("密" * 18 + "通 ）" + "密" * 18)
@example("密" * 18 + "（ 通" + "密" * 18)
@example(" " * 40 + "密" * 30 + " " * 40)
def test_no_line_is_too_long_or_lonely_and_nothing_is_lost(title: str) -> None:
    found = title_lines(title, PORTRAIT)
    assert "".join("".join(found).split()) == "".join(title.split())
    if len(found) > 1:
        assert all(one for one in found)
        assert all(width(one) <= PORTRAIT for one in found)
        assert not any(one[0] in "，、。）》”" for one in found[1:])
        assert not any(one[-1] in "（《“" for one in found[:-1])


def test_a_line_of_a_title_is_never_one_character() -> None:
    for length in range(1, 121):
        found = title_lines("密" * length, PORTRAIT)
        assert length == 1 or min(map(len, found)) > 1, length
        assert max(map(len, found)) - min(map(len, found)) <= 1


def paper(*, landscape: bool) -> PaperContent:
    head = {
        "issuer": None,
        "year": 2026,
        "number": None,
        "status": "征求意见稿（演示数据）",
        "landscape": landscape,
    }
    blocks: list[dict[str, Any]] = [
        {"kind": "title", "text": "关于2025年第四季度“无废城市”建设进展情况的通报"},
        {"kind": "annex", "label": "附件1", "text": "密" * 30},
    ]
    content = {
        "title": "关于2025年第四季度“无废城市”建设进展情况的通报",
        "head": head,
        "blocks": blocks,
        "as_of": date(2026, 1, 20).isoformat(),
    }
    return PaperContent(content, [], 1)


def lines_of(made: PaperContent) -> list[str]:
    """Return the paragraphs of a paper as DOCX."""
    docx = rendered(made, "docx").content
    assert docx is not None
    return [one.text for one in Document(io.BytesIO(docx)).paragraphs]


def test_the_document_breaks_titles_where_the_page_does() -> None:
    lines = lines_of(paper(landscape=False))
    assert lines[0] == "（征求意见稿〔演示数据〕）"
    assert lines[1] == "关于2025年第四季度\n“无废城市”建设进展情况的通报"
    assert lines[3] == "密" * 15 + "\n" + "密" * 15
    assert "\n" not in lines_of(paper(landscape=True))[1]

"""Typography of an official paper: nested brackets, and line breaks of a title. Pure.

A stored paper has neither; both are made when its files are written.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

_OPENING = "（〔［"
_CLOSING = "）〕］"
_PAIRS = ("（）", "〔〕", "［］")
"""By depth, outermost first: nested brackets alternate in form (GB/T 15834-2011, 4.9.3)."""

PORTRAIT, LANDSCAPE = 20, 29
"""Characters of 22 points in a line of 156 or 232 mm."""

_LETTER, _BESIDE = 0.55, 0.25
"""In full characters: the width of a half-width letter or digit, and the space between the two
kinds."""

_NEVER_FIRST = frozenset("、，。；：！？）〕］》〉”’…—·％%")
_NEVER_LAST = frozenset("（〔［《〈“‘")
_TOGETHER = (
    *("建设", "进展", "情况", "通报", "指标", "完成", "工作", "专题", "报告", "自评", "评估"),
    *("实施", "方案", "城市", "无废", "领导", "小组", "办公室", "督办", "反馈", "事项", "季度"),
    *("年度", "上半年", "下半年", "有关", "关于", "以及", "规划", "计划", "固体", "废物", "试点"),
)
"""Usual words of these titles, which are never split."""

_LONGEST_KEPT = 12
_CUT_IN_A_NAME = 9
_CUT_ANYWHERE = 2


def in_brackets(text: str) -> str:
    """Return a text in round brackets; its own brackets change their form."""
    found, depth = [], 1
    for sign in text:
        if sign in _CLOSING:
            depth = max(depth - 1, 1)
        found.append(_of_depth(sign, depth))
        if sign in _OPENING:
            depth += 1
    return f"{_PAIRS[0][0]}{''.join(found)}{_PAIRS[0][1]}"


def _of_depth(sign: str, depth: int) -> str:
    pair = _PAIRS[min(depth, len(_PAIRS) - 1)]
    if sign in _OPENING:
        return pair[0]
    return pair[1] if sign in _CLOSING else sign


def width(text: str) -> float:
    """Return the width of a text in full characters, as typst sets it.

    A Latin letter or a digit is a little more than half of one, and there is a quarter of one
    between it and a Chinese character.
    """
    signs = sum(_LETTER if unicodedata.east_asian_width(one) not in "WFA" else 1.0 for one in text)
    return signs + _BESIDE * sum(_is_chinese(a) != _is_chinese(b) for a, b in _letters(text))


def _letters(text: str) -> Iterator[tuple[str, str]]:
    """Yield adjacent pairs of signs that are both letters or digits."""
    return (pair for pair in pairwise(text) if all(one.isalnum() for one in pair))


def _is_chinese(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"


def title_lines(text: str, longest: int) -> list[str]:
    """Return the lines of a title: as few as possible, and of about the same length.

    GB/T 9704-2012, 7.3.1: a broken title keeps words whole and lines even. No line has more than
    `longest` characters, none begins with a closing sign or ends with an opening one, and no
    number, quoted name or usual word is split. If that is impossible, a word is split.
    """
    fewest = max(1, -int(-width(text) // longest))
    for count in (fewest, fewest + 1):
        lines = _broken(text, count, longest)
        if lines is not None:
            return lines
    return [text]


def _broken(text: str, count: int, longest: int) -> list[str] | None:
    """Return the most even `count` lines; None: impossible."""
    ideal = width(text) / count
    costs = _costs(text)
    # Dynamic programming: the cheapest way to reach each place with a number of lines.
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(count):
        reached: dict[int, tuple[float, int]] = {}
        for start, (spent, _) in best[-1].items():
            for end, cost in costs.items():
                line = width(text[start:end].strip()) if end > start else 0.0
                if not line or line > longest:
                    continue
                whole = spent + (line - ideal) ** 2 + cost
                if end not in reached or whole < reached[end][0]:
                    reached[end] = (whole, start)
        best.append(reached)
    if len(text) not in best[-1]:
        return None
    ends = [len(text)]
    for reached in reversed(best[1:]):
        ends.append(reached[ends[-1]][1])
    return [text[start:end].strip() for start, end in pairwise(reversed(ends))]


def _costs(text: str) -> dict[int, float]:
    """Return the cost of each possible line end; the end of the text costs nothing."""
    cut = _within_names(text)
    found: dict[int, float] = {}
    for place in range(1, len(text)):
        before, after = text[place - 1], text[place]
        # Lines are stripped, so a line ends and begins with the signs around a space.
        last, first = text[:place].rstrip()[-1:], text[place:].lstrip()[:1]
        if not last or not first or first in _NEVER_FIRST or last in _NEVER_LAST:
            continue
        if before.isascii() and after.isascii() and before.isalnum() and after.isalnum():
            continue
        numbered = before.isdigit() or after.isdigit()
        found[place] = _CUT_IN_A_NAME**2 if place in cut or numbered else _CUT_ANYWHERE
        if before in "、，：》的和及" or after in "《“":
            found[place] = 0.0
    found[len(text)] = 0.0
    return found


def _within_names(text: str) -> set[int]:
    """Return the places within a usual word or a short quoted name."""
    spans: list[tuple[int, int]] = []
    for word in _TOGETHER:
        at = text.find(word)
        while at >= 0:
            spans.append((at, at + len(word)))
            at = text.find(word, at + 1)
    spans += _quoted(text)
    return {place for start, end in spans for place in range(start + 1, end)}


def _quoted(text: str) -> Sequence[tuple[int, int]]:
    found = []
    start = text.find("“")
    while start >= 0:
        end = text.find("”", start)
        if 0 < end - start <= _LONGEST_KEPT:
            found.append((start, end + 1))
        start = text.find("“", start + 1)
    return found

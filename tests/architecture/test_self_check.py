"""The self-check table of 等保三级 names tests that exist, and tells how they ended."""

import re
from collections import Counter

import pytest

from tests.support.self_check import ROOT, Clause, SelfCheck, clauses, table

CLAUSES = clauses()
LETTERS = {1: 4, 2: 7, 3: 4, 4: 6, 5: 0, 6: 0, 7: 2, 8: 2, 9: 3, 10: 2, 11: 2}
"""How many items each clause of 8.1.4 has; 0: it is one."""


def test_every_clause_is_there_once_in_order() -> None:
    expected = [
        f"8.1.4.{number}{f' {letter}' if letter else ''}"
        for number, count in LETTERS.items()
        for letter in ("abcdefg"[:count] or [""])
    ]
    assert [one.clause for one in CLAUSES] == expected


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda one: one.clause)
def test_a_clause_says_what_is_done_and_names_files_of_tests(clause: Clause) -> None:
    assert clause.asks
    assert clause.does
    assert [one for one in clause.tests if not (ROOT / one).is_file()] == []
    assert not [text for text in (clause.asks, clause.does) if "|" in text]


def test_the_table_tells_passed_failed_not_run_unmet_and_the_operators() -> None:
    heard = SelfCheck()
    heard.hear("tests/a.py::test_one", failed=False)
    heard.hear("tests/b.py::test_one", failed=True)
    heard.hear("tests/b.py::test_two", failed=False)
    listed = [
        Clause("1", "问", "做", ("tests/a.py",)),
        Clause("2", "问", "做", ("tests/a.py", "tests/b.py")),
        Clause("3", "问", "做", ("tests/a.py", "tests/c.py")),
        Clause("4", "问", "做", ("tests/a.py",), operator="配置", unmet="没有"),
        Clause("5", "问", "做"),
    ]
    rows = table(listed, heard.outcomes).splitlines()[-5:]
    assert [re.split(r" \| ", row)[-1].removesuffix(" |") for row in rows] == [
        "通过",
        "未通过",
        "未运行",
        "通过；不满足：没有；由部署方负责：配置",
        "不涉及",
    ]
    assert Counter(row.count("|") for row in rows) == {6: 5}

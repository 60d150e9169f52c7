"""The checks of a plan document: what the page shows is right, and every fault is told."""

from typing import Any

import pytest

from services.core.kit.exact_yaml import read_yaml
from services.core.plan.checks_in_force import standing_checks
from services.core.plan.document import PlanDocument
from services.core.plan.document_faults import cross_check
from tests.support.api import ROOT
from tests.unit.scoring.builders import a_document, an_indicator

SHOWN = ("generated", "used", "sent", "received", "stored")
UNITS = [{"code": code, "name": code, "kind": "unit"} for code in ("UN01", "UN16")]


def a_plan(*codes: str, **changes: Any) -> PlanDocument:
    entries = [an_indicator(code, unit="吨") for code in codes or ("W1", "W2")]
    return a_document(*entries, **changes)


def faults(document: PlanDocument) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in cross_check(document)]


def test_what_the_page_of_the_format_shows_is_a_plan() -> None:
    page = (ROOT / "docs" / "plan-format.md").read_text(encoding="utf-8")
    block = page.partition("### Checks at entry")[2].partition("```yaml\n")[2]
    read: Any = read_yaml(block.partition("```")[0].encode())
    document = a_plan(*SHOWN, organizations=UNITS, **read)
    assert faults(document) == []
    checks = standing_checks(document)
    assert [one.rule.code for one in checks.rules] == [
        *("used-within-generated", "sent-is-received", "hazardous")
    ]
    assert checks.by_indicator.keys() == {"generated", "used", "sent", "stored"}
    assert checks.compared == set(SHOWN)
    # None of them is a percentage: a part within a whole is not asked of them.
    assert {one.part_within_whole for one in checks.built_in.values()} == {None}


TERM = {"indicator": "W1"}
RULE: dict[str, Any] = {
    "code": "K1",
    "name": "关系",
    "left": [TERM],
    "operator": "<=",
    "right": [{"indicator": "W2"}],
}
BALANCE = {"code": "HW", "name": "平衡", "closing": "W1", "inflows": ["W2"]}
CHANGE = {"against": "previous_period", "percent": 30}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"left": [{"indicator": "W9"}]},
            [("/check_rules/0/left/0/indicator", "unknown-indicator")],
        ),
        (
            {"left": [{**TERM, "organization": "UN99"}]},
            [("/check_rules/0/left/0/organization", "unknown-organization")],
        ),
        ({"left": [TERM, {}]}, [("/check_rules/0/left/1", "term-of-one")]),
        ({"left": [{**TERM, "constant": 1}]}, [("/check_rules/0/left/0", "term-of-one")]),
        (
            {"right": [{"constant": 1, "at": "previous_period"}]},
            [("/check_rules/0/right/0/at", "not-of-a-constant")],
        ),
        (
            {"operator": "exclusive_pair", "right": [{"constant": 1}], "tolerance": 1},
            [
                ("/check_rules/0/tolerance", "tolerance-of-a-pair"),
                ("/check_rules/0/right/0/constant", "constant-in-a-pair"),
            ],
        ),
        ({"tolerance": -1}, [("/check_rules/0/tolerance", "negative-bound")]),
        (
            {"needs_justification": True},
            [("/check_rules/0/needs_justification", "justification-of-a-block")],
        ),
        (
            {"left": [{**TERM, "at": "previous_period"}], "right": [{"constant": 1}]},
            [("/check_rules/0", "never-asked")],
        ),
        ({"code": "HW"}, [("/balances/0/code", "duplicate-code")]),
        ({"code": "HW.opening"}, [("/balances/0/code", "duplicate-code")]),
    ],
)
def test_a_rule_that_contradicts_itself_is_told_where(
    changes: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    rules = [{**RULE, **changes}]
    assert faults(a_plan(check_rules=rules, balances=[{**BALANCE, "opening": "W2"}])) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"balances": [{**BALANCE, "inflows": [], "closing": "W9"}]},
            [
                ("/balances/0/closing", "unknown-indicator"),
                ("/balances/0/inflows", "nothing-flows"),
            ],
        ),
        (
            {"entry_checks": {"changes": [CHANGE, {**CHANGE, "percent": -1}]}},
            [
                ("/entry_checks/changes/1/against", "repeated-reference"),
                ("/entry_checks/changes/1/percent", "negative-bound"),
            ],
        ),
        (
            {"entry_checks": {"changes": [{"against": "previous_period"}]}},
            [("/entry_checks/changes/0/percent", "bound-required")],
        ),
        (
            {"entry_checks": {"outlier": {"threshold": 0, "window": 6, "least": 7}}},
            [
                ("/entry_checks/outlier/threshold", "threshold-not-positive"),
                ("/entry_checks/outlier/least", "least-above-window"),
            ],
        ),
    ],
)
def test_a_built_in_check_that_bounds_nothing_is_told_where(
    changes: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    assert faults(a_plan(**changes)) == told

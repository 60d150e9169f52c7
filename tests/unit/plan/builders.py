"""A plan document with one of everything, and what is told of one that is damaged."""

import copy
from typing import Any

import pytest

from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document


def a_plan() -> dict[str, Any]:
    """A small plan with one of everything."""
    return {
        "format": "wufei-plan/1",
        "code": "123456-2030",
        "title": "示例",
        "city": {"code": "123456", "name": "示例市"},
        "status": "issued",
        "status_text": "印发",
        "span": {"start": "2026-01-01", "end": "2030-12-31"},
        "due_days": {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10},
        "scheme": {
            "name": "completion-rate",
            "version": "1",
            "floor": 0,
            "weights": {"mandatory": 2, "optional": 1, "self_selected": 1},
            "gate": {
                "grades": [
                    {"code": "good", "name": "良好", "minimum": 80},
                    {"code": "poor", "name": "较差", "minimum": 0},
                ],
                "minimum_coverage": "0.6",
                "mandatory_not_met_cap": "poor",
                "falsified_grade": "poor",
            },
            "lights": {"green_pace": 1, "yellow_pace": "0.8"},
        },
        "groups": [{"code": "A", "name": "甲", "weight": 2}, {"code": "B", "name": "乙"}],
        "organizations": [
            {"code": "U1", "name": "一局", "kind": "department", "aliases": ["市一局"]},
            {"code": "U2", "name": "二局", "kind": "department"},
            {"code": "ALL", "name": "各局", "kind": "group", "members": ["U1"], "submits": False},
        ],
        "indicators": [
            {
                "code": "A1",
                "name": "利用率",
                "printed_name": "利用率★",
                "group": "A",
                "level1": "甲",
                "level2": "甲一",
                "selection": "mandatory",
                "unit": "%",
                "baseline": {"year": 2025, "value": "94.78", "text": "94.78"},
                "targets": [
                    {"year": 2028, "kind": "at_least", "value": 95, "text": "95"},
                    {"year": 2030, "kind": "more_than", "value": 96, "text": ">96"},
                ],
                "direction": "higher_better",
                "multiplier": 100,
                "owners": ["U1"],
                "owner_text": "一局",
                "linked_measures": ["1.1"],
            },
            {
                "code": "B1",
                "name": "机制",
                "printed_name": "机制",
                "group": "B",
                "level1": "乙",
                "level2": "乙一",
                "selection": "optional",
                "unit": "/",
                "targets": [{"year": 2030, "kind": "qualitative", "text": "运转"}],
                "levels": [
                    {"code": "running", "name": "运转", "points": 100},
                    {"code": "none", "name": "未启动", "points": 0},
                ],
                "direction": "qualitative",
                "owners": [],
                "owner_text": "—",
                "acting_owner": "U2",
            },
        ],
        "tasks": [
            {
                "number": 1,
                "section": "任务",
                "title": "提高利用率",
                "measures": [
                    {
                        "code": "1.1",
                        "text": "到2030年，利用率达到96%以上。",
                        "lead_units": ["U1"],
                        "lead_text": "一局",
                        "responsible_units": ["ALL"],
                        "responsible_text": "各局",
                        "targets": [
                            {"quote": "利用率达到96%以上", "kind": "at_least", "indicator": "A1"}
                        ],
                        "related_indicators": ["B1"],
                    }
                ],
            }
        ],
        "open_questions": [
            {"id": "Q1", "subjects": ["indicator:A1", "measure:1.1", "task:1"], "text": "待核实"},
            {"id": "Q2", "subjects": ["plan", "organization:ALL", "group:B"], "text": "说明"},
        ],
        "registers": [
            {
                "code": "LIST",
                "name": "名单",
                "columns": [_name(), _kind(), {"code": "since", "name": "起", "type": "date"}],
                "key": ["name"],
                "keepers": ["U1"],
                "leads": ["U2"],
                "valid_from": "since",
                "valid_to": "since",
            },
            {
                "code": "DONE",
                "name": "台账",
                "columns": [
                    _name(),
                    _kind(),
                    {"code": "amount", "name": "量", "type": "decimal", "minimum": 0},
                    {"code": "of", "name": "总量", "type": "integer", "maximum": 9},
                    {"code": "done", "name": "已办", "type": "yes_no"},
                    {"code": "day", "name": "日", "type": "date"},
                ],
                "key": ["name", "kind"],
                "ends": ["ended"],
                "measures": _measures(),
            },
        ],
    }


def _name() -> dict[str, Any]:
    return {"code": "name", "name": "名", "type": "text", "required": True}


def _kind() -> dict[str, Any]:
    choices = [{"code": "a", "name": "甲"}, {"code": "b", "name": "乙"}]
    return {
        "code": "kind",
        "name": "类",
        "type": "choice",
        "required": True,
        "choices": choices,
    }


def _of_kind(code: str) -> list[dict[str, Any]]:
    return [{"column": "kind", "any_of": [code]}]


def _measures() -> list[dict[str, Any]]:
    """One measure of each kind."""
    return [
        {
            "code": "m1",
            "name": "个数",
            "kind": "count",
            "distinct": ["name"],
            "where": _of_kind("a"),
        },
        {
            "code": "m2",
            "name": "总量",
            "kind": "sum",
            "column": "amount",
            "at": "in_period",
            "day": "day",
        },
        {
            "code": "m3",
            "name": "比率",
            "kind": "ratio",
            "indicator": "A1",
            "column": "amount",
            "where": [{"column": "done", "yes": True}, {"column": "amount", "minimum": 0}],
            "denominator": {"column": "of"},
        },
        {
            "code": "m4",
            "name": "覆盖",
            "kind": "coverage",
            "distinct": ["name"],
            "denominator": {"listed_in": "LIST", "match": "name", "where": _of_kind("b")},
        },
    ]


def put(document: dict[str, Any], pointer: str, value: object) -> dict[str, Any]:
    """Return a copy of the document with `value` at a pointer; `-` appends to a list."""
    changed = copy.deepcopy(document)
    *path, last = pointer.split("/")[1:]
    node: Any = changed
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if last == "-":
        node.append(value)
    elif isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return changed


def faults_of(document: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPlan) as refusal:
        read_document(document)
    return [(fault.code, fault.pointer) for fault in refusal.value.faults]

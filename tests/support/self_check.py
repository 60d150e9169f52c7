"""The filled self-check table of 等保三级: each clause, what proves it, and how that ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "build" / "self-check.zh-CN.md"
_SOURCE = Path(__file__).with_suffix(".yaml")
_HEAD = """# 等保三级自查表

GB/T 22239-2019 第 8.1.4 条（安全计算环境），条款为摘要。
由一次完整的测试写出；「未运行」表示这次没有运行那项测试。

| 条款 | 要求 | 系统的做法 | 证据 | 结果 |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the standard: what it asks, what is done, and by whom."""

    clause: str
    asks: str
    does: str
    tests: tuple[str, ...] = ()
    operator: str | None = None
    unmet: str | None = None

    def result(self, outcomes: Mapping[str, bool]) -> str:
        """Return how it stands, by how each file of tests ended: whether all of it passed."""
        said = []
        if any(outcomes.get(one) is False for one in self.tests):
            said.append("未通过")
        elif any(one not in outcomes for one in self.tests):
            said.append("未运行")
        elif self.tests:
            said.append("通过")
        if self.unmet:
            said.append(f"不满足：{self.unmet}")
        if self.operator:
            said.append(f"由部署方负责：{self.operator}")
        return "；".join(said) or "不涉及"


def clauses() -> list[Clause]:
    """Return the clauses in the standard's order."""
    read: list[dict[str, Any]] = yaml.safe_load(_SOURCE.read_text(encoding="utf-8"))
    return [Clause(**{**one, "tests": tuple(one.get("tests", ()))}) for one in read]


def table(listed: Iterable[Clause], outcomes: Mapping[str, bool]) -> str:
    """Return the page: a row for each clause."""
    rows = (
        f"| {one.clause} | {one.asks} | {one.does} | "
        f"{'、'.join(f'`{test}`' for test in one.tests) or '—'} | {one.result(outcomes)} |\n"
        for one in listed
    )
    return _HEAD + "".join(rows)


@dataclass
class SelfCheck:
    """Hears how tests end, file by file."""

    outcomes: dict[str, bool] = field(default_factory=dict)

    def hear(self, node: str, *, failed: bool) -> None:
        """Note how a test ended; what was skipped proves nothing and is not told."""
        file = node.partition("::")[0]
        self.outcomes[file] = self.outcomes.get(file, True) and not failed

    def write(self) -> None:
        """Write the table where it is looked for."""
        WRITTEN.parent.mkdir(exist_ok=True)
        WRITTEN.write_text(table(clauses(), self.outcomes), encoding="utf-8")

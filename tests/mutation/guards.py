"""The guards of SQL statements: each condition that a WHERE or a JOIN adds with AND.

A guard is dropped in a copy of the tree, and the tests of its slice run against that copy.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|AND)\b")
_START = re.compile(r"\b(AND|WHERE)\s+")
_END = re.compile(
    r"\b(AND|OR|WHERE|ORDER|GROUP|LIMIT|RETURNING|(?<!DISTINCT )FROM|JOIN|LEFT|FOR|UNION|ON|SET"
    r"|THEN|ELSE|WHEN|END|HAVING|WINDOW|OFFSET)\b|\"(?=\s*(\n|\)|,|$))|[()]"
)
_COPIED = ("services", "tests", "migrations", "plans", "contracts", "docs", "deploy", "bench")
_LONGEST_RUN = 400
"""Seconds; a mutant whose tests hang is noticed, so it counts as killed."""

TESTS: Mapping[str, Sequence[str]] = {
    "agenda": ("tests/integration/agenda", "tests/api/test_agenda.py"),
    "alerts": ("tests/integration/alerts", "tests/api/test_alerts.py"),
    "calendars": ("tests/integration/calendars", "tests/api/test_calendars.py"),
    "events": (
        "tests/integration/events",
        "tests/api/test_feed.py",
        "tests/worker/test_reactor.py",
    ),
    "extensions": ("tests/api/test_extensions.py", "tests/api/test_more_time_to_report.py"),
    "feed": ("tests/api/test_feed.py", "tests/integration/webhooks/test_planning.py"),
    "identity": ("tests/api/test_access.py",),
    "kit": ("tests/api/test_submissions.py", "tests/api/test_preconditions.py"),
    "milestones": ("tests/integration/milestones", "tests/api/test_milestones.py"),
    "obligations": ("tests/integration/obligations", "tests/api/test_obligations.py"),
    "plan": ("tests/api/test_plans.py", "tests/integration/test_publication.py"),
    "scoring": ("tests/integration/scoring", "tests/api/test_scores.py"),
    "submissions": ("tests/api/test_submissions.py", "tests/api/test_access.py"),
    "webhooks": ("tests/integration/webhooks", "tests/api/test_webhooks.py"),
}
"""The tests that a slice's statements are held by."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition of one statement: what stands at `start` to `end` of a file's text.

    `path` is relative to the root, `line` counts from 1, `instead` is put in its place.
    """

    path: str
    line: int
    start: int
    end: int
    text: str
    instead: str

    @property
    def where(self) -> str:
        """Return where it stands, as an editor opens it."""
        return f"{self.path}:{self.line}"

    @property
    def slice(self) -> str:
        """Return the slice of core that it belongs to."""
        return Path(self.path).parts[2]


def guards_of(root: Path) -> list[Guard]:
    """Return every guard of every statement in core, in the order of the tree."""
    found: list[Guard] = []
    for path in sorted((root / "services" / "core").rglob("*.py")):
        name = str(path.relative_to(root))
        if Path(name).parts[2] in TESTS:
            guards = _guards_in(name, path.read_text(encoding="utf-8"))
            found += {(guard.start, guard.end): guard for guard in guards}.values()
    return found


def _guards_in(name: str, source: str) -> Iterator[Guard]:
    starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def place(line: int, column: int) -> int:
        text = source[starts[line - 1] :].split("\n", 1)[0]
        return starts[line - 1] + len(text.encode()[:column].decode())

    def guard(start: int, end: int, instead: str) -> Guard:
        line = source.count("\n", 0, start) + 1
        return Guard(name, line, start, end, source[start:end], instead)

    tree = ast.parse(source)
    quiet = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        end_line, end_column = getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
        match node:
            case ast.Call(func=ast.Attribute(attr="where") | ast.Name(id="and_")) as call:
                for argument in call.args:
                    start = place(argument.lineno, argument.col_offset)
                    end = place(argument.end_lineno or 0, argument.end_col_offset or 0)
                    yield guard(start, end, "True")
            case (ast.Constant(value=str()) | ast.JoinedStr()) as text if text not in quiet:
                start, end = place(text.lineno, text.col_offset), place(end_line, end_column)
                for first, last in _conditions(source[start:end]):
                    yield guard(start + first, start + last, "TRUE ")


def _conditions(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each condition of a WHERE or an AND begins and ends in a statement's source."""
    if not _SQL.search(text):
        return
    for opening in _START.finditer(text):
        if "BETWEEN" in text[: opening.start()].rsplit("\n", 1)[-1]:
            continue
        depth, end = 0, len(text)
        for mark in _END.finditer(text, opening.end()):
            if mark[0] == "(":
                depth += 1
            elif mark[0] == ")" and depth:
                depth -= 1
            elif not depth:
                end = mark.start()
                break
        if text[opening.end() : end].strip():
            yield opening.end(), end


def survives(guard: Guard, root: Path = Path()) -> bool:
    """Return whether the tests of its slice stay green without a guard."""
    copy = (root / "build" / "mutant").resolve()
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for folder in _COPIED:
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", copy)
    mutated = copy / guard.path
    source = mutated.read_text(encoding="utf-8")
    mutated.write_text(source[: guard.start] + guard.instead + source[guard.end :], "utf-8")
    tests = [path for path in TESTS[guard.slice] if (copy / path).exists()]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", *tests],
            cwd=copy,
            capture_output=True,
            timeout=_LONGEST_RUN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0

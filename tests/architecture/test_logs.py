"""Every line of the log has a name, says what it must, and stands in the runbook."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "operations.md"

LEVELS = {
    "debug": {"debug"},
    "info": {"info"},
    "warning": {"warning"},
    "error": {"error"},
    "exception": {"error"},
    "critical": {"critical"},
    "log": {"warning", "error"},
}
"""The levels of a logger's methods; `log` takes one of two, by what went wrong."""

ROW = re.compile(r"^\| `([^`]+)` \| (debug|info|warning|error|warning or error) \|", re.MULTILINE)
MUST_SAY = {"cause", "next"}


@dataclass(frozen=True)
class _Line:
    """A call that logs: where it stands, its level, its name, and what it says beside it."""

    place: str
    levels: frozenset[str]
    name: object
    says: frozenset[str]


def _lines() -> Iterator[_Line]:
    for path in sorted((ROOT / "services").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        helpers = {
            node.name: _keys(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        assigned = {
            target.id: _keys(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=method)) if (
                    method in LEVELS
                ):
                    said = node.args[1 if method == "log" else 0]
                    yield _Line(
                        f"{path.relative_to(ROOT)}:{node.lineno}",
                        frozenset(LEVELS[method]),
                        said.value if isinstance(said, ast.Constant) else None,
                        frozenset(_said_beside(node, helpers, assigned)),
                    )
                case _:
                    pass


def _said_beside(
    call: ast.Call, helpers: Mapping[str, set[str]], assigned: Mapping[str, set[str]]
) -> set[str]:
    """Return the keys of `extra`: written out, of a variable, or of what a function returns."""
    extra = next((each.value for each in call.keywords if each.arg == "extra"), None)
    match extra:
        case ast.Call(func=ast.Name(id=name)):
            return helpers[name]
        case ast.Name(id=name):
            return assigned[name]
        case _:
            return _keys(extra)


def _keys(node: ast.AST | None) -> set[str]:
    """Return the keys of all dictionaries written out within a part of the code."""
    if node is None:
        return set()
    return {
        key.value
        for each in ast.walk(node)
        if isinstance(each, ast.Dict)
        for key in each.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def test_what_is_logged_has_a_name_that_never_changes() -> None:
    lines = list(_lines())
    assert len(lines) > 20, "calls of loggers are recognized"
    assert [
        line.place for line in lines if not isinstance(line.name, str) or "%" in line.name
    ] == []


def test_a_warning_says_its_cause_and_what_happens_next() -> None:
    silent = [
        line.place
        for line in _lines()
        if not line.levels <= {"debug", "info"} and not line.says >= MUST_SAY
    ]
    assert silent == []


def test_the_runbook_explains_what_is_logged_and_nothing_else() -> None:
    logged: dict[object, set[str]] = {}
    for line in _lines():
        logged.setdefault(line.name, set()).update(line.levels)
    explained = {
        name: set(levels.split(" or ")) for name, levels in ROW.findall(RUNBOOK.read_text("utf-8"))
    }
    assert explained == logged

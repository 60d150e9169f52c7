"""What guards a statement or a verb: conditions of SQL, locks, and refusals in Python.

- A condition that a WHERE, a JOIN or a call of `where` adds: `TRUE` stands in its place.
- A lock on rows (`FOR UPDATE`, `FOR SHARE`, `with_for_update`): it is left out.
- An `if` that does nothing but raise, and a call that does nothing but check: neither happens.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|AND)\b")
_START = re.compile(r"\b(AND|WHERE)\s+")
_END = re.compile(
    r"\b(AND|OR|WHERE|ORDER|GROUP|LIMIT|RETURNING|(?<!DISTINCT )FROM|JOIN|LEFT|FOR|UNION|ON|SET"
    r"|THEN|ELSE|WHEN|END|HAVING|WINDOW|OFFSET)\b|\"(?=\s*(\n|\)|,|$))|[()]"
)
_LOCK = re.compile(r"\bFOR (NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)( OF \w+)?\b")
_CHECKS = re.compile(r"_?(check|require|refuse|ensure|demand)(_|$)")


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: what stands at `start` to `end` of a file's text.

    `path` is relative to the root, `line` counts from 1, `instead` is put in its place; `within` is
    the function or the constant that it is part of.
    """

    path: str
    line: int
    start: int
    end: int
    text: str
    instead: str
    within: str

    @property
    def where(self) -> str:
        """Return where it stands, as an editor opens it."""
        return f"{self.path}:{self.line}"

    @property
    def words(self) -> str:
        """Return its text in one line, by which `accepted.toml` knows it."""
        return " ".join(self.text.split())

    @property
    def package(self) -> str:
        """Return the slice of core, or the door, that it belongs to."""
        return package_of(self.path)

    def dropped(self, source: str) -> str:
        """Return the text of its file without it."""
        return source[: self.start] + self.instead + source[self.end :]


def package_of(path: str) -> str:
    """Return a slice of core by its name, a door as `api/plan` or `worker`."""
    _, room, *rest = Path(path).with_suffix("").parts
    if room == "core":
        return rest[0]
    return f"{room}/{rest[0]}" if len(rest) > 1 else room


def guards_of(root: Path) -> list[Guard]:
    """Return every guard in core, the API and the worker, in the order of the tree."""
    found: list[Guard] = []
    for room in ("core", "api", "worker"):
        for path in sorted((root / "services" / room).rglob("*.py")):
            name = str(path.relative_to(root))
            guards = _Reader(name, path.read_text(encoding="utf-8")).guards()
            found += {(guard.start, guard.end): guard for guard in guards}.values()
    return found


class _Reader:
    """The guards of one file."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source
        self._lines = [0, *(match.end() for match in re.finditer("\n", source))]
        self._tree = ast.parse(source)

    def guards(self) -> Iterator[Guard]:
        """Yield each guard; one that two ways find comes twice."""
        docstrings = {
            node.body[0].value
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(self._tree):
            match node:
                case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                    pass  # how a program starts guards nothing
                case ast.If(test=test, body=[*_, ast.Raise()]):
                    yield self._guard(*self._span(test), "False")
                case ast.Expr(value=ast.Await(value=ast.Call() as call) | (ast.Call() as call)):
                    if _CHECKS.match(_name_of(call)):
                        yield self._guard(*self._span(node.value), "None")
                case ast.Call():
                    yield from self._of_call(node)
                case ast.Constant(value=str()) | ast.JoinedStr() if node not in docstrings:
                    start, end = self._span(node)
                    for first, last, instead in _conditions(self._source[start:end]):
                        yield self._guard(start + first, start + last, instead)
                case _:
                    pass

    def _of_call(self, call: ast.Call) -> Iterator[Guard]:
        name = _name_of(call)
        if name in {"where", "and_"}:
            for argument in call.args:
                if ast.unparse(argument) == "true()":
                    continue
                yield self._guard(*self._span(argument), "True")
        elif name == "with_for_update" and isinstance(call.func, ast.Attribute):
            _, start = self._span(call.func.value)
            yield self._guard(start, self._span(call)[1], "")

    def _span(self, node: ast.expr) -> tuple[int, int]:
        return (
            self._place(node.lineno, node.col_offset),
            self._place(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _place(self, line: int, column: int) -> int:
        # The columns of a syntax tree count bytes.
        text = self._source[self._lines[line - 1] :].split("\n", 1)[0]
        return self._lines[line - 1] + len(text.encode()[:column].decode())

    def _guard(self, start: int, end: int, instead: str) -> Guard:
        line = self._source.count("\n", 0, start) + 1
        text = self._source[start:end]
        return Guard(self._name, line, start, end, text, instead, self._within(line))

    def _within(self, line: int) -> str:
        """Return the innermost function or constant that a line belongs to."""
        names = ""
        for node in ast.walk(self._tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)]) if node in self._tree.body:
                    pass
                case _:
                    continue
            if node.lineno <= line <= (node.end_lineno or node.lineno):
                names = name
        return names


def _name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _conditions(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a guard of a statement's source begins and ends, and what replaces it."""
    if not _SQL.search(text):
        return
    for lock in _LOCK.finditer(text):
        yield lock.start(), lock.end(), ""
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
            yield opening.end(), end, "TRUE "

"""Which tests reach a guard, so that those alone run which could notice that it is gone.

As a plugin of pytest (`-p tests.mutation.reaching`) it either writes down what each test of a run
reaches, or picks the tests of a run and puts them in order. `REACHED` and `CHOSEN` name the file
for either.
"""

import ast
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import coverage
import pytest

from tests.mutation.guards import Guard

REACHED, CHOSEN = "WUFEI_MUTANTS_REACHED", "WUFEI_MUTANTS_CHOSEN"

Seconds = dict[str, float]
"""How long each test took, by its id."""


@dataclass(slots=True)
class Reached:
    """What the tests of a run reached: by file and line the ids of tests, and their seconds."""

    seconds: Seconds = field(default_factory=dict)
    tests: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Reached":
        """Read what a run wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def tests_for(self, guard: Guard, root: Path) -> list[str]:
        """Return the tests that reach a guard, or what uses the constant that it stands in.

        The quickest come first. What the first test of a file reaches may be the doing of what all
        its tests share, so that the others of that file come too, last. Where none is known to
        reach it, all are returned.
        """
        found = {
            test
            for path, line in _places(guard, root)
            for test in self.tests.get(path, {}).get(str(line), ())
        }
        files: dict[str, list[str]] = defaultdict(list)
        for test in self.seconds:
            files[_file_of(test)].append(test)
        shared = {test for tests in files.values() if tests[0] in found for test in tests}
        return [*self._sorted(found), *self._sorted(shared - found)] or list(self.seconds)

    def _sorted(self, tests: Iterable[str]) -> list[str]:
        """Keep a file's tests together, for many share what its fixtures made."""
        whole: Seconds = defaultdict(float)
        for test in tests:
            whole[_file_of(test)] += self.seconds[test]

        def turn(test: str) -> tuple[float, str, float]:
            file = _file_of(test)
            return whole[file], file, self.seconds[test]

        return sorted(tests, key=turn)


def files_of(tests: Iterable[str]) -> list[str]:
    """Return the files of tests, each once."""
    return list(dict.fromkeys(map(_file_of, tests)))


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _places(guard: Guard, root: Path) -> Iterator[tuple[str, int]]:
    """Yield the lines that run a guard: its function's, or those of what names its constant."""
    trees = _trees(root)
    if around := _innermost(trees[guard.path], guard.line):
        yield from ((guard.path, line) for line in _lines(around))
        return
    names = {guard.within}
    for tree in trees.values():  # a statement may be put together from parts
        names |= {name for name, value in _constants(tree) if names & _names_in(value)}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and names & _names_in(node):
                yield from ((path, line) for line in _lines(node))


@cache
def _trees(root: Path) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((root / "services").rglob("*.py"))
    }


def _innermost(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(around, key=lambda node: node.lineno, default=None)


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> range:
    # The line of `def` itself runs when its file is imported.
    return range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case _:
                pass


@cache
def _names_in(tree: ast.AST) -> frozenset[str]:
    return frozenset(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )


class _Recorder:
    """Asks coverage what each test reaches."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root = Path.cwd()
        self._coverage = coverage.Coverage(
            data_file=None,
            source=["services"],
            concurrency=["thread", "greenlet"],
            config_file=False,
        )
        self._seconds: Seconds = {}
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what one test reaches, with its fixtures, and how long it takes."""
        self._coverage.switch_context(item.nodeid)
        started = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(time.monotonic() - started, 3)
            self._coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        """Write it down."""
        self._coverage.stop()
        data = self._coverage.get_data()
        tests = {
            str(Path(file).relative_to(self._root)): {
                str(line): [context for context in contexts if context]
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        text = json.dumps({"seconds": self._seconds, "tests": tests})
        self._path.write_text(text, encoding="utf-8")


class _Choice:
    """Runs the tests of a list alone, in its order."""

    def __init__(self, chosen: list[str]) -> None:
        self._turns = {test: number for number, test in enumerate(chosen)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is not chosen."""
        items[:] = [item for item in items if item.nodeid in self._turns]
        items.sort(key=lambda item: self._turns[item.nodeid])


def pytest_configure(config: pytest.Config) -> None:
    """Do what the environment asks for."""
    if path := os.environ.get(REACHED):
        config.pluginmanager.register(_Recorder(Path(path)))
    if path := os.environ.get(CHOSEN):
        config.pluginmanager.register(_Choice(json.loads(Path(path).read_text("utf-8"))))

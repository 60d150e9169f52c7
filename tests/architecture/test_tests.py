"""What the tests themselves keep to: what several share stands beside them, in no test."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}.{one.name}" for one in names)
            case _:
                pass


def _of_a_test(name: str) -> bool:
    """Whether a name is of a module of tests: `test_` begins a part of it, behind `tests`."""
    first, *others = name.split(".")
    return first == "tests" and any(part.startswith("test_") for part in others)


def test_nobody_imports_from_a_test() -> None:
    """What several tests share is in tests/support, or in a module beside them without `test_`."""
    assert _of_a_test("tests.api.test_scores.approved")
    assert _of_a_test("tests.api.test_scores")
    files = [path for top in ("tests", "bench", "docs") for path in (ROOT / top).rglob("*.py")]
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in _imported(path)
        if _of_a_test(name)
    }
    assert sorted(found) == []

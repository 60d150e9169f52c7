"""What the mutation run accepts still stands in the code, and which tests a guard is tried by."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.mutation.guards import Guard
from tests.mutation.reaching import Reached, files_of

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = tomllib.loads((ROOT / "tests/mutation/accepted.toml").read_text("utf-8"))["accepted"]
MUTMUT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
RULE = re.compile(r"(?P<module>[\w.]+)\.x(?:_|ǁ(?P<holder>\w+)ǁ)(?P<name>\w+)")


@pytest.mark.parametrize("entry", ACCEPTED, ids=lambda entry: f"{entry['where']}: {entry['line']}")
def test_what_is_accepted_names_a_function_that_is_there_and_says_why(
    entry: dict[str, str],
) -> None:
    assert set(entry) == {"where", "line", "why"}
    assert entry["why"].endswith(".")
    path, _, within = entry["where"].partition(":")
    if rule := RULE.fullmatch(entry["where"]):
        path, within = f"{rule['module'].replace('.', '/')}.py", rule["name"]
    assert re.search(rf"\b{within}\b", (ROOT / path).read_text("utf-8"))


def test_the_copy_that_is_mutated_has_every_package_that_its_tests_import() -> None:
    copied = MUTMUT["also_copy"] + MUTMUT["source_paths"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    imported = {
        found[1]
        for path in (ROOT / "tests").rglob("*.py")
        for found in re.finditer(
            r"^\s*(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE
        )
    }
    assert packages & imported <= {one.rstrip("/") for one in copied}


def test_no_mutant_is_accepted_twice() -> None:
    named = [(entry["where"], entry["line"]) for entry in ACCEPTED]
    assert len(set(named)) == len(named)


def _guard(root: Path, within: str, line: int) -> Guard:
    (root / "services").mkdir()
    source = '_SQL = "SELECT 1"\n\n\ndef read():\n    return _SQL\n\n\ndef other():\n    return 1\n'
    (root / "services" / "a.py").write_text(source, "utf-8")
    return Guard("services/a.py", line, 0, 1, "x", "y", within)


REACHED = Reached(
    seconds={"t/a.py::one": 3, "t/a.py::two": 1, "t/b.py::three": 2, "t/c.py::four": 9},
    tests={"services/a.py": {"5": ["t/a.py::two", "t/b.py::three"], "9": ["t/c.py::four"]}},
)


@pytest.mark.parametrize(("within", "line"), [("read", 5), ("_SQL", 1)])
def test_a_guard_is_tried_by_the_tests_that_reach_it_and_by_what_they_share(
    tmp_path: Path, within: str, line: int
) -> None:
    # What the first test of t/b.py reaches may be its fixtures' doing; it has no other test.
    found = REACHED.tests_for(_guard(tmp_path, within, line), tmp_path)
    assert found == ["t/a.py::two", "t/b.py::three"]
    assert files_of(found) == ["t/a.py", "t/b.py"]


def test_what_the_first_test_of_a_file_reaches_all_of_its_tests_are_run_for(
    tmp_path: Path,
) -> None:
    by_first = Reached(REACHED.seconds, {"services/a.py": {"5": ["t/a.py::one"]}})
    guard = _guard(tmp_path, "read", 5)
    assert by_first.tests_for(guard, tmp_path) == ["t/a.py::one", "t/a.py::two"]


def test_a_guard_that_no_test_is_known_to_reach_is_tried_by_all(tmp_path: Path) -> None:
    nothing = Reached(REACHED.seconds, {})
    guard = _guard(tmp_path, "read", 5)
    assert nothing.tests_for(guard, tmp_path) == list(REACHED.seconds)

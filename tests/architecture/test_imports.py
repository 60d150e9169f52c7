"""The direction of imports: doors above core, slices in one order, no transport below the doors."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LINT = """
from importlinter.cli import lint_imports
raise SystemExit(lint_imports("pyproject.toml", no_cache=True, no_logo=True))
"""


def test_every_import_contract_holds() -> None:
    # In a process of its own: the linter configures logging, which silences every logger that
    # exists by then, and with it the tests that listen to ours.
    done = subprocess.run(
        [sys.executable, "-c", _LINT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _taken_from_routes() -> Iterator[tuple[str, str]]:
    """Yield each module of the API that takes something from routes of another slice."""
    api = ROOT / "services" / "api"
    for path in api.rglob("*.py"):
        own = path.relative_to(api).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("routes"):
                _, _, slice_, *rest = f"{node.module}.".split(".")
                if rest != [""] and slice_ != own:
                    yield str(path.relative_to(api)), f"{slice_}.{rest[0]}"


def test_routes_of_another_slice_are_used_by_who_answers_with_whole_operations_alone() -> None:
    """What several slices need stands in `views`, `parameters` or a module of its own."""
    users = {user for user, _ in _taken_from_routes()}
    assert users == {"sync/delta.py"}

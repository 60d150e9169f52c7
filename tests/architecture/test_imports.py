"""The direction of imports: doors above core, slices in one order, no transport below the doors."""

import subprocess
import sys
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

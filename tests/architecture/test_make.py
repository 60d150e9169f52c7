"""`make` takes no half environment for a whole one, and says plainly what it could not do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with our Makefile, nothing to install, and a console that says so."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    console = tmp_path / "services" / "console"
    console.mkdir(parents=True)
    (console / "__main__.py").write_text("import pip\nprint('the console runs')\n")
    return tmp_path


def _make(project: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"PYTHON={python}", "migrate"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _runs(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and done.stdout.endswith("the console runs\n")


def test_an_environment_without_pip_is_made_anew(project: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=project, check=True
    )
    done = _make(project)
    assert _runs(done), done.stderr


def test_an_environment_that_was_broken_off_is_made_anew_and_a_whole_one_kept(
    project: Path,
) -> None:
    assert _runs(_make(project))
    kept = project / ".venv" / "kept"
    kept.touch()
    again = _make(project)
    assert _runs(again)
    assert "installing" not in again.stdout
    assert kept.exists()
    # As Ctrl-C leaves it in the midst of an installation.
    for mark in (project / ".venv").glob(".*"):
        mark.unlink()
    (packages,) = (project / ".venv" / "lib").glob("python*/site-packages")
    shutil.rmtree(packages / "pip" / "_internal")
    done = _make(project)
    assert _runs(done), done.stderr
    assert not kept.exists()


def test_a_python_that_makes_no_environment_leaves_none_and_is_told(project: Path) -> None:
    broken = project / "python-without-ensurepip"
    broken.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && {{ mkdir -p .venv/bin; ln -s {sys.executable}'
        f' .venv/bin/python; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    broken.chmod(0o755)
    failed = _make(project, str(broken))
    assert failed.returncode != 0
    assert "needs venv and pip" in failed.stderr
    assert not (project / ".venv").exists()
    done = _make(project)
    assert _runs(done), done.stderr


def test_without_node_the_contract_is_not_judged_and_one_line_says_so(
    project: Path, tmp_path: Path
) -> None:
    make = shutil.which("make")
    assert make is not None
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [make, "contract-lint"],
        cwd=project,
        env={"PATH": str(empty)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "not judged: Redocly's and Spectral's rules need npx, which comes with node"
    ]


def test_what_judges_the_contract_is_pinned() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = re.findall(r"^(?:redocly|spectral) := (\S+)$", text, re.MULTILINE)
    assert len(asked) == 2
    assert all(re.search(r"@\d+\.\d+\.\d+$", one) for one in asked)


@pytest.mark.parametrize("client", [None, "docker"])
def test_without_a_container_engine_no_image_is_built_and_one_line_says_so(
    project: Path, tmp_path: Path, client: str | None
) -> None:
    make = shutil.which("make")
    assert make is not None
    programs = tmp_path / "programs"
    programs.mkdir()
    if client is not None:  # one that has no server to ask
        (programs / client).write_text("#!/bin/sh\nexit 1\n")
        (programs / client).chmod(0o755)
    done = subprocess.run(
        [make, "image"],
        cwd=project,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["skipped: no container engine"]


def test_without_podman_deploy_is_not_tried_and_one_line_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("skipped: no container engine")


def test_the_images_that_are_built_are_those_that_compose_starts(project: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", project)
    podman = project / "podman"
    podman.write_text('#!/bin/sh\n[ "$1" = info ] || echo "$@"\n')
    podman.chmod(0o755)
    done = subprocess.run(
        ["make", "image"],
        cwd=project,
        env={"PATH": f"{project}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    image, worker = re.findall(r"--tag (\S+)", done.stdout)
    compose = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    assert f"${{WUFEI_IMAGE:-{image}}}" in compose
    assert f"${{WUFEI_WORKER_IMAGE:-{worker}}}" in compose

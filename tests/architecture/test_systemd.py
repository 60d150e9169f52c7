"""deploy/systemd: units that systemd itself takes, and that are at one with the code they run."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.console.main import main
from services.console.settings import PROJECT, variables
from services.core.kit.file_store import DirectoryStore
from tests.support.deployed import longest_end, seconds

UNITS = PROJECT / "deploy" / "systemd"
NAMES = ("wufei-api", "wufei-worker", "wufei-migrate")
MOST_EXPOSED = 2.0
"""Of 10, as `systemd-analyze security` counts; a service without any restriction has 9.6."""


def _options(name: str) -> dict[str, list[str]]:
    read: dict[str, list[str]] = {}
    for line in (UNITS / f"{name}.service").read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            option, value = line.split("=", 1)
            read.setdefault(option, []).append(value)
    return read


def _at_hand(capsys: pytest.CaptureFixture[str]) -> bool:
    found = shutil.which("systemd-analyze") is not None
    if not found:
        with capsys.disabled():
            print("\nno systemd-analyze is at hand: units not judged by it")  # noqa: T201
    return found


def test_the_units_are_all_there() -> None:
    assert {path.stem for path in UNITS.glob("*.service")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_starts_a_command_that_exists_and_is_not_root(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = _options(name)
    (command,) = options["ExecStart"]
    python, flag, module, *words = command.split()
    assert (python, flag, module) == (
        "/opt/wufei/.venv/bin/python",
        "-m",
        "services.console",
    )
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert words[0] in capsys.readouterr().out
    assert options["User"] == ["wufei"]


@pytest.mark.parametrize("name", ["wufei-api", "wufei-worker"])
def test_a_door_is_killed_only_after_it_had_its_time_to_end(name: str) -> None:
    options = _options(name)
    assert options["KillSignal"] == ["SIGTERM"]
    assert options["Restart"] == ["always"]
    needed = longest_end(name.removeprefix("wufei-")) + 2
    assert seconds(options["TimeoutStopSec"][0]) >= needed


def test_the_example_of_settings_names_settings_and_no_secret() -> None:
    text = (UNITS / "wufei.env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert set(given) <= {variable for variable, _ in variables()}
    assert given["WUFEI_SECRET_KEY"] == ""
    for name in ("DATABASE_URL", "REDIS_URL"):
        assert ":PASSWORD@HOST:" in given[name]


def test_the_command_beside_the_units_hands_their_settings_on_as_they_stand(
    tmp_path: Path,
) -> None:
    """Behind an `=` nothing is a word of the shell: addresses hold `&`, `?`, `$` and spaces."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$DATABASE_URL" "$PYTHONPATH" "$@"\n')
    python.chmod(0o755)
    url = "postgresql://w:a$b c@h/w?sslmode=verify-full&options=-c%20x"
    (tmp_path / "wufei.env").write_text(f"# a comment=1\n\nDATABASE_URL={url}\n")
    text = (UNITS / "wufei").read_text(encoding="utf-8")
    stand_in = text.replace("/opt/wufei", str(tmp_path)).replace("/etc/wufei", str(tmp_path))
    said = subprocess.run(
        ["/bin/sh", "-c", stand_in.replace("runuser --user wufei -- ", ""), "wufei", "key", "a b"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    words = ["-P", "-m", "services.console", "key", "a b"]
    assert said.stdout.splitlines() == [url, str(tmp_path), *words]
    assert os.access(UNITS / "wufei", os.X_OK)


def test_no_filter_forbids_what_lets_the_threads_of_passwords_yield() -> None:
    filters = _options("wufei-api")["SystemCallFilter"]
    assert filters.index("setpriority") > filters.index("~@privileged @resources")


async def test_whoever_is_in_its_group_reads_what_the_worker_drops_and_nobody_else(
    tmp_path: Path,
) -> None:
    (mask,) = _options("wufei-worker")["UMask"]
    before = os.umask(int(mask, 8))
    try:
        await DirectoryStore(tmp_path).put("410183/exchange/events.ndjson", _a_part())
    finally:
        os.umask(before)
    made = [tmp_path / "410183", *(tmp_path / "410183").rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert modes == {"410183": 0o750, "exchange": 0o750, "events.ndjson": 0o640}


async def _a_part() -> AsyncIterator[bytes]:
    yield b"{}"


def test_the_worker_may_write_where_the_example_has_it_drop_files() -> None:
    example = (UNITS / "wufei.env.example").read_text(encoding="utf-8")
    (folder,) = re.findall(r"^# WUFEI_DROPS=(/.*)$", example, re.MULTILINE)
    # Made by hand, for its group is who fetches; where nothing is dropped it is not there.
    assert _options("wufei-worker")["ReadWritePaths"] == [f"-{folder}"]
    (state,) = _options("wufei-worker")["StateDirectory"]
    assert not folder.startswith(f"/var/lib/{state}/"), "that is closed to whoever fetches"
    assert _options("wufei-worker")["StateDirectoryMode"] == ["0700"]


def test_the_owner_of_the_tables_is_known_to_the_migration_alone() -> None:
    assert "owner.env" in (UNITS / "wufei-migrate.service").read_text(encoding="utf-8")
    for name in ("wufei-api.service", "wufei-worker.service", "wufei.env.example"):
        text = (UNITS / name).read_text(encoding="utf-8")
        assert "owner.env" not in text
        assert "DATABASE_OWNER_URL" not in text
    owner = (UNITS / "owner.env.example").read_text(encoding="utf-8")
    assert "DATABASE_OWNER_URL=postgresql://wufei:PASSWORD@HOST:" in owner


def test_systemd_takes_the_units_where_it_is_at_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not _at_hand(capsys):
        return
    for name in NAMES:
        text = (UNITS / f"{name}.service").read_text(encoding="utf-8")
        # The program that it starts must be there, and the folder need not be the real one.
        stand_in = text.replace("/opt/wufei/.venv/bin/python", "/bin/true")
        (tmp_path / f"{name}.service").write_text(stand_in, encoding="utf-8")
    units = [str(tmp_path / f"{name}.service") for name in NAMES]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert [line for line in said.stderr.splitlines() if "wufei-" in line] == []


@pytest.mark.parametrize("name", NAMES)
def test_systemd_calls_the_units_little_exposed_where_it_is_at_hand(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not _at_hand(capsys):
        return
    unit = str(UNITS / f"{name}.service")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    (exposed,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert float(exposed) < MOST_EXPOSED

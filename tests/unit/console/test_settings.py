"""What the environment says, and how a wrong word in it is named."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.api.settings import ApiSettings
from services.console.errors import ConsoleError
from services.console.main import main
from services.console.settings import PROJECT, Settings, UpSettings, misspelt
from services.core.kit.sealing import new_seal_key
from services.worker.settings import WorkerSettings

SERVICES = PROJECT / "services"
NAMED = re.compile(r"\bWUFEI_[A-Z_]*[A-Z]\b")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "DATA_DIR", "NOW", "PG_BIN", "STOP_WITHIN", "SECRET_KEY"):
        monkeypatch.delenv(f"WUFEI_{name}", raising=False)
    for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_has_to_be_set() -> None:
    settings = UpSettings.read()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == Path.cwd() / "var"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WUFEI_PORT", "http", "WUFEI_PORT: 应为整数.*integer"),
        ("WUFEI_PORT", "70000", "WUFEI_PORT: .*65535"),
        ("WUFEI_NOW", "2026-01-01T00:00:00", "WUFEI_NOW: .*offset"),
        ("DATABASE_URL", "mysql://host", "DATABASE_URL: must have the form postgresql://"),
        ("REDIS_URL", "host:6379", "REDIS_URL: must have the form redis://"),
        ("WUFEI_SECRET_KEY", "sesame", "WUFEI_SECRET_KEY: .*key"),
        ("WUFEI_WEBHOOK_ALLOW_CIDRS", "10.0.0.1/8", "WUFEI_WEBHOOK_ALLOW_CIDRS: .*host bits"),
        ("WUFEI_WEBHOOK_SCHEDULE", "a,b", "WUFEI_WEBHOOK_SCHEDULE: .*such as 0,5,300"),
        ("WUFEI_WEBHOOK_TIMEOUT", "600", "WUFEI_WEBHOOK_TIMEOUT: .*60"),
        ("WUFEI_WEBHOOK_CA_FILE", "/no/such.pem", "WUFEI_WEBHOOK_CA_FILE: .*file"),
        ("WUFEI_WEBHOOK_ROBOT_HOSTS", "slack=h:1", "WUFEI_WEBHOOK_ROBOT_HOSTS: .*dingtalk"),
        ("WUFEI_WEBHOOK_DISABLE_AFTER", "0", "WUFEI_WEBHOOK_DISABLE_AFTER: .*more than"),
        ("WUFEI_DATABASE_CONNECTIONS", "1", "WUFEI_DATABASE_CONNECTIONS: .*2"),
        ("WUFEI_FEED_KEPT_DAYS", "never", "WUFEI_FEED_KEPT_DAYS: .*integer"),
        ("DATABASE_URL", "postgresql://h/d?sslmode=on", "DATABASE_URL: sslmode must be one of"),
        ("DATABASE_URL", "postgresql://h/d?pool_mode=transaction", "DATABASE_DIRECT_URL: must be"),
    ],
)
def test_a_wrong_word_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConsoleError, match=said):
        UpSettings.read()


@pytest.mark.parametrize(
    "command", ["up", "api", "worker", "migrate", "doctor", "demo", "key list", "score recompute"]
)
def test_every_wrong_word_is_told_at_once_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    wrong = {
        "WUFEI_PORT": "http",
        "WUFEI_WEBHOOK_SCHEDULE": "a,b",
        "WUFEI_WEBHOOK_ALLOW_CIDRS": "10.0.0.1/8",
        "WUFEI_SECRET_KEY": "sesame",
        "WUFEI_DATABASE_CONNECTIONS": "many",
        "DATABASE_URL": "postgresql://user:secret@host/name?sslmode=on",
        "REDIS_URL": "host",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    assert main(command.split()) == 1
    lines = capsys.readouterr().err.removeprefix("wufei: ").splitlines()
    assert sorted(line.split(":")[0] for line in lines) == sorted(wrong)
    assert not [line for line in lines if "sesame" in line or "secret@" in line]


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:sesame@host/name")
    monkeypatch.setenv("WUFEI_SECRET_KEY", key := new_seal_key())
    assert "sesame" not in repr(Settings.read())
    assert key not in repr(Settings.read())


def test_the_clock_of_a_real_database_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:sesame@host/name")
    monkeypatch.setenv("WUFEI_NOW", "2026-01-01T00:00:00Z")
    with pytest.raises(ConsoleError, match="embedded database only"):
        _ = UpSettings.read().domain_now


def test_only_the_supervisor_reads_the_domain_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUFEI_NOW", "nonsense")
    assert "now" not in Settings.read().model_dump()


def test_a_refusal_is_one_line_and_a_bad_exit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WUFEI_DATA_DIR", str(tmp_path))
    assert main(["migrate"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("wufei: DATABASE_URL is not set")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("WUFEI_WEBHOK_TIMEOUT", "did you mean WUFEI_WEBHOOK_TIMEOUT?"),
        ("WUFEI_PROT", "did you mean WUFEI_PORT?"),
        ("wufei_databse_connections", "did you mean WUFEI_DATABASE_CONNECTIONS?"),
        ("WUFEI_XYZZY_QQQ", "WUFEI_XYZZY_QQQ is no setting and has no effect"),
    ],
)
def test_a_misspelt_variable_is_told_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    monkeypatch.setenv(name, "sesame")
    Settings.read()
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert "sesame" not in told


def test_every_variable_that_is_read_is_known() -> None:
    read = {
        match for path in SERVICES.rglob("*.py") for match in NAMED.findall(path.read_text("utf-8"))
    }
    assert len(read) > 15
    assert list(misspelt(read - {"WUFEI_CLOCK_OFFSET"})) == []


def test_what_up_starts_is_not_told_again() -> None:
    assert list(misspelt({"WUFEI_PROT", "WUFEI_CLOCK_OFFSET"})) == []


@pytest.mark.parametrize("settings", [Settings, UpSettings, ApiSettings, WorkerSettings])
def test_what_is_empty_counts_as_not_set_wherever_it_is_read(settings: type[BaseSettings]) -> None:
    """A class that takes parts of others keeps this: the last of them decides."""
    config = settings.model_config
    assert config["env_ignore_empty"]
    assert config["frozen"]
    assert config["extra"] == "ignore"

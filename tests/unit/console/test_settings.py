"""What the environment says, and how a wrong word in it is named."""

from pathlib import Path

import pytest

from services.console.errors import ConsoleError
from services.console.main import main
from services.console.settings import Settings, UpSettings
from services.core.kit.sealing import new_seal_key


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "DATA_DIR", "NOW", "PG_BIN", "STOP_WITHIN", "SECRET_KEY"):
        monkeypatch.delenv(f"WUFEI_{name}", raising=False)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_has_to_be_set() -> None:
    settings = UpSettings.read()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == Path.cwd() / "var"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WUFEI_PORT", "http", "WUFEI_PORT: .*integer"),
        ("WUFEI_PORT", "70000", "WUFEI_PORT: .*65535"),
        ("WUFEI_NOW", "2026-01-01T00:00:00", "WUFEI_NOW: .*timezone"),
        ("DATABASE_URL", "mysql://host", "DATABASE_URL: must have the form postgresql://"),
        ("REDIS_URL", "host:6379", "REDIS_URL: must have the form redis://"),
        ("WUFEI_SECRET_KEY", "sesame", "WUFEI_SECRET_KEY: .*key"),
        ("WUFEI_WEBHOOK_ALLOW_CIDRS", "10.0.0.1/8", "WUFEI_WEBHOOK_ALLOW_CIDRS: .*host bits"),
    ],
)
def test_a_wrong_word_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConsoleError, match=said):
        UpSettings.read()


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

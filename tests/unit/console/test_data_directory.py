"""The data directory: one owner at a time, and a marker that other versions respect."""

from pathlib import Path

import pytest

from services.console.data_directory import (
    DataDirectory,
    Layout,
    kept_secret_key,
    write_secret,
)
from services.console.errors import ConsoleError


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "some folder")


def test_a_second_owner_is_refused(directory: DataDirectory) -> None:
    assert not directory.in_use()
    with directory.locked():
        assert directory.in_use()
        with pytest.raises(ConsoleError, match="another `wufei up`"), directory.locked():
            pass
        assert directory.in_use()
    assert not directory.in_use()


def test_a_new_directory_has_no_layout(directory: DataDirectory) -> None:
    with directory.locked():
        assert directory.layout() is None


def test_what_was_settled_is_read_again(directory: DataDirectory) -> None:
    layout = Layout(postgresql=18, servers=Path("/some/other place"))
    with directory.locked():
        directory.settle(layout)
        assert directory.layout() == layout


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("layout 2\npostgresql 18\n", "has layout 2, this version of wufei needs 1"),
        ("layout one\n", "cannot understand"),
        ("", "cannot understand"),
    ],
)
def test_another_version_is_refused(directory: DataDirectory, marker: str, said: str) -> None:
    with directory.locked():
        (directory.path / "layout").write_text(marker)
        with pytest.raises(ConsoleError, match=said):
            directory.layout()


def test_a_folder_of_somebody_else_is_refused(directory: DataDirectory) -> None:
    with directory.locked():
        (directory.path / "thesis.txt").write_text("mine")
        with pytest.raises(ConsoleError, match="no data directory of wufei"):
            directory.layout()


def test_a_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "key"
    write_secret(file, "first")
    write_secret(file, "second")
    assert file.read_text() == "second"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_large_log_is_set_aside(directory: DataDirectory) -> None:
    with directory.locked():
        directory.settle(Layout())
        log = directory.log("api")
        log.write_bytes(b"x" * 5_000_001)
        assert not directory.log("api").exists()
        assert log.with_suffix(".log.1").exists()


def test_the_sealing_key_is_made_once_and_only_for_us(directory: DataDirectory) -> None:
    with directory.locked():
        key = kept_secret_key(directory.secret_key)
        assert kept_secret_key(directory.secret_key) == key
        assert directory.secret_key.stat().st_mode & 0o777 == 0o600
        directory.secret_key.write_text("nonsense")
        with pytest.raises(ConsoleError, match=r"cannot use .*secret\.key"):
            kept_secret_key(directory.secret_key)


def test_whoever_begins_with_the_demonstration_may_start_there_too(
    directory: DataDirectory,
) -> None:
    directory.demonstration.mkdir(parents=True)
    with directory.locked():
        assert directory.layout() is None
        directory.settle(Layout())
        assert directory.layout() == Layout()

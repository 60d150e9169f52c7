"""`wufei verify` of dropped files: which nobody signed, and what lies beside them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.core.drops.drop_lines import PURPOSE, DropCover, drop_file, name_of
from services.core.kit.file_series import NOTHING_BEFORE
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from tests.support.packages import a_series
from tests.unit.console.verifying import verify

SIGNER = Signer(Seal([b"k" * 32]), PURPOSE)


def dropped(folder: Path, *signers: Signer | None, first: int = 1, event: str = "a") -> None:
    """Write files of a drop, each signed by one, or by nobody."""
    previous = NOTHING_BEFORE if first == 1 else "1" * 64
    for number, signer in enumerate(signers, first):
        when = datetime(2026, 1, 1, tzinfo=UTC)
        cover = DropCover("exchange", number, previous, number - 1, number, when)
        previous, content = drop_file(cover, [b'{"event": "%s"}' % event.encode()], signer)
        (folder / name_of(number)).write_bytes(content)


def test_a_file_that_nobody_signed_among_signed_ones_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped(tmp_path, SIGNER, SIGNER, SIGNER)
    code, said = verify(tmp_path, capsys)
    assert (code, "Whole: folder of dropped files, 3 files" in said) == (0, True), said
    assert SIGNER.public_keys[0].hex() in said
    dropped(tmp_path, SIGNER, SIGNER, None)
    code, said = verify(tmp_path, capsys)
    assert (code, f"First fault: {name_of(3)}: it is not signed" in said) == (1, True), said


def test_where_nobody_signed_any_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped(tmp_path, None, None)
    for path in (tmp_path, tmp_path / name_of(2)):
        code, said = verify(path, capsys)
        assert (code, "Nobody signed it" in said, "signed by the key" in said) == (0, True, False)


def test_a_folder_of_both_is_verified_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in a_series(2):
        (tmp_path / one.manifest.file_name).write_bytes(one.content)
    dropped(tmp_path, SIGNER, SIGNER, first=3)
    code, said = verify(tmp_path, capsys)
    assert (code, "Whole: folder, 4 files" in said) == (0, True), said
    assert "It begins with number 3" in said
    dropped(tmp_path, SIGNER, None, first=3)
    code, said = verify(tmp_path, capsys)
    assert (code, f"{name_of(4)}: it is not signed" in said) == (1, True), said

"""`wufei verify`: which kind a file is taken for, and which is none."""

from pathlib import Path

import pytest

from tests.support.packages import a_series
from tests.unit.console.verifying import verify
from tests.unit.evidence.archives import NAMES, PARTS, packed


def test_an_archive_of_evidence_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "archive.zip"
    file.write_bytes(packed(PARTS).getvalue())
    code, said = verify(file, capsys)
    assert (code, "Whole: archive of evidence, 4 files" in said) == (0, True), said
    assert "The list is not signed" in said
    file.write_bytes(packed({**PARTS, NAMES[2]: b"other"}).getvalue())
    code, said = verify(file, capsys)
    assert (code, f"First fault: {NAMES[2]}: it was altered" in said) == (1, True), said


def test_packages_of_a_folder_are_held_against_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in a_series(3):
        (tmp_path / one.manifest.file_name).write_bytes(one.content)
    code, said = verify(tmp_path, capsys)
    assert (code, "Whole: folder of packages, 3 files" in said) == (0, True), said
    sorted(tmp_path.glob("*.zip"))[1].unlink()
    code, said = verify(tmp_path, capsys)
    assert (code, "First fault: 2: number 2 is missing" in said) == (1, True), said


@pytest.mark.parametrize("content", [b"", b"nothing of ours\n", b'{"format": "other"}\n'])
def test_what_is_no_file_of_ours_is_told(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    code, said = verify(file, capsys)
    assert (code, "It is no kind of file that we make" in said) == (1, True), said
    code, said = verify(tmp_path / "nowhere", capsys)
    assert (code, "cannot read" in said) == (1, True), said

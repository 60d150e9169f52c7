"""`wufei verify` as a test asks it, in English."""

from pathlib import Path

import pytest

from services.console.main import main

ENGLISH = ("--language", "en")


def verify(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["verify", str(path), *ENGLISH])
    told = capsys.readouterr()
    return code, told.out + told.err

"""Files as LibreOffice opens and saves them, where it is at hand."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

OFFICE = shutil.which("soffice")

needs_libreoffice = pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
"""For tests that look at our files through it; nothing of ours needs it."""


def converted(folder: Path, file: Path, form: str) -> Path:
    """Return a file as LibreOffice writes it in a form such as `pdf`, in a profile of its own."""
    assert OFFICE is not None
    command = [OFFICE, "--headless", f"-env:UserInstallation=file://{folder}/profile"]
    command += ["--convert-to", form, "--outdir", str(folder), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / f"{file.stem}.{form.partition(':')[0]}"


async def saved_again(folder: Path, content: bytes) -> bytes:
    """Return a workbook as LibreOffice saves it that was opened in its own format between."""
    given = folder / "given.xlsx"
    given.write_bytes(content)
    opened = await asyncio.to_thread(converted, folder, given, "ods")
    given.unlink()
    return (await asyncio.to_thread(converted, folder, opened, "xlsx")).read_bytes()

"""`wufei demo`, as a person starts it: in a folder of its own, from the first line to the last."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.console.settings import PROJECT


async def _demo(folder: Path) -> tuple[int | None, str]:
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "demo"),
        cwd=PROJECT,
        env={**kept, "WUFEI_DATA_DIR": str(folder), "COLUMNS": "400"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 300)
    return process.returncode, printed.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the servers' user can get through."""
    tmp_path.chmod(0o711)
    return tmp_path


async def test_it_walks_a_month_and_leaves_the_ledger_in_that_state(folder: Path) -> None:
    code, printed = await _demo(folder)
    assert code == 0, printed
    for told in (
        "填报开启",
        "里程碑下达",
        "蓝色督办",
        "橙色督办",
        "红色督办",
        "延期审批",
        "办结",
        "台账确认",
        "台账撤销",
        "数据冲突",
    ):
        assert told in printed, printed
    assert "【演示】" in printed
    assert "/board/link?token=wufeiboard_410183_" in printed
    papers = {form: (folder / "demo" / f"演示通报.{form}") for form in ("docx", "pdf", "xlsx")}
    begins = {form: path.read_bytes()[:4] for form, path in papers.items()}
    assert begins == {"docx": b"PK\x03\x04", "pdf": b"%PDF", "xlsx": b"PK\x03\x04"}
    await asyncio.to_thread((folder / "demo" / "demonstration").unlink)
    code, printed = await _demo(folder)
    assert code == 1
    assert "holds no demonstration" in printed

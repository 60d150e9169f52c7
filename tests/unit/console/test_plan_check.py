"""`wufei plan check`: what editors write is read, and faults are told with their lines."""

import json
from pathlib import Path

import pytest

from services.console.main import main
from services.core.kit.exact_yaml import read_yaml

PLAN = Path(__file__).resolve().parents[3] / "plans/examples/green-development-index.yaml"
TEXT = PLAN.read_text("utf-8")


def _check(file: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = main(["plan", "check", str(file), *more])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "UTF-16"),
        ("gb18030", "GB18030"),
    ],
)
def test_what_excel_and_notepad_write_is_read(
    encoding: str, named: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(TEXT.replace("\n", "\r\n").encode(encoding))
    code, said = _check(file, capsys, "--language", "zh-CN")
    assert (code, "绿色发展指数（2016年）" in said) == (0, True)
    assert (named is not None) is ("编码" in said)
    assert named is None or named in said


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode("utf-16-le"),
        b"PK\x03\x04\x14\x00\x00\x00",
        TEXT.encode("utf-8")[:-1] + b"\xff\xff",
        TEXT.encode("big5", "ignore") + b"\xfe\xfe",
    ],
)
def test_what_cannot_be_read_is_told_how_to_be_saved(
    body: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(body)
    code, said = _check(file, capsys, "--language", "zh-CN")
    assert (code, "另存为 UTF-8" in said) == (1, True)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_every_fault_is_told_in_chinese_with_its_line(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    document = read_yaml(PLAN.read_bytes())
    document["indicators"][1]["group"] = "nothing"
    del document["organizations"][0]["kind"]
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    file = tmp_path / f"plan.{suffix}"
    file.write_text(text, "utf-8")
    code, said = _check(file, capsys)
    lines = text.split("\n")
    group = 1 + next(at for at, line in enumerate(lines) if '"group": "nothing"' in line)
    unit = 1 + next(at for at, line in enumerate(lines) if '"organizations"' in line) + 1
    assert code == 1
    assert f"第 {group} 行，/indicators/1/group：没有此分组（unknown-group）: nothing" in said
    assert f"第 {unit} 行，/organizations/0/kind：缺少此项（missing）" in said
    assert "计划文档有误" in said


def test_english_is_spoken_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(TEXT.replace("group: living", "group: none"), "utf-8")
    _, said = _check(file, capsys, "--language", "en")
    assert "/indicators/5/group: There is no such group (unknown-group): none" in said
    assert said.isascii() or "第" not in said


def test_a_file_that_is_not_there_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _check(tmp_path / "none.yaml", capsys, "--language", "zh-CN")
    assert (code, said.count("\n"), "无法打开" in said) == (1, 1, True)

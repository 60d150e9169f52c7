"""`wufei connector check`: content with the stand-in, by its profiles; finds what is not."""

import re

import pytest

from services.console.commands.connectors import SECRET
from services.console.main import main
from tests.support.superior import APP_ID, a_superior
from tests.support.superior import SECRET as GIVEN


def checked(address: str, *options: str) -> int:
    asked = ["connector", "check", f"{address}/report", "--app-id", APP_ID, "--language", "en"]
    return main([*asked, *options])


@pytest.mark.parametrize(
    ("profile", "options", "cases"),
    [("wufei-hmac", (), 4), ("national", ("--interface", "SID-1"), 3)],
)
def test_a_platform_answers_every_case_right_and_takes_nothing(
    profile: str,
    options: tuple[str, ...],
    cases: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(SECRET, GIVEN)
    with a_superior(profile=profile) as superior:
        code = checked(superior.address, "--profile", profile, *options)
    printed = "".join(capsys.readouterr())
    assert (code, f"{cases} cases, 0 not right" in printed) == (0, True), printed
    assert superior.held == {}
    assert GIVEN not in printed


def test_what_lets_nobody_in_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SECRET, "another secret")
    with a_superior() as superior:
        assert checked(superior.address) == 1
    wrong = re.findall(r"^FAULT +(.+?)  ", capsys.readouterr().out, re.MULTILINE)
    assert wrong == ["no items, signed right", "the same request again"]


def test_without_a_secret_or_an_address_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    assert checked("http://127.0.0.1:9") == 1
    assert SECRET in capsys.readouterr().err
    monkeypatch.setenv(SECRET, "x")
    assert checked("nowhere") == 1
    assert "no address" in capsys.readouterr().err

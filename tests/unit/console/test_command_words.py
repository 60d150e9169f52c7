"""What is typed, or stands in the environment, and leads nowhere: a sentence, never a traceback."""

import pytest

from services.console.calling import KEY
from services.console.commands.connectors import SECRET as SUPERIOR
from services.console.commands.gateways import SECRET as PARTNER
from services.console.main import main

_NOBODY = "http://127.0.0.1:1"
_CALLS = (
    ["export", "submissions", "out.csv", "--plan", "410183-2025", "--url"],
    ["import", __file__, "--plan", "410183-2025", "--url"],
)


@pytest.mark.parametrize("arguments", _CALLS, ids=lambda one: one[0])
@pytest.mark.parametrize(
    ("key", "url", "told"),
    [
        ("钥匙", _NOBODY, "WUFEI_KEY holds a character"),
        ("wufei_\x7f", _NOBODY, "WUFEI_KEY holds a character"),
        ("a\nb", _NOBODY, "WUFEI_KEY holds a character"),
        ("abc", "http://[::1", "this is no address"),
        ("abc", "nowhere", "no answer from nowhere"),
    ],
)
def test_a_key_or_an_address_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    key: str,
    url: str,
    told: str,
) -> None:
    monkeypatch.setenv(KEY, key)
    assert main([*arguments, url]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert key not in said or key == "abc"


@pytest.mark.parametrize(
    "arguments",
    [
        ["gateway", "check", _NOBODY, "--plan", "410183-2025", "--partner", "钥匙"],
        ["connector", "check", _NOBODY, "--app-id", "钥匙"],
        ["connector", "check", _NOBODY, "--app-id", "x", "--interface", "接口"],
    ],
    ids=lambda one: one[-2],
)
def test_what_no_header_carries_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv(PARTNER, "s" * 32)
    monkeypatch.setenv(SUPERIOR, "s" * 32)
    assert main(arguments) == 1
    assert f"{arguments[-2]} holds a character" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["2147483648", "99999999999999999999", "-1", "x", "１"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["drop", "again", "--folder", "exchange"],
        ["package", "export", "--plan", "410183-2025", "--peer", "x", "--number"],
    ],
    ids=lambda one: one[0],
)
def test_a_number_that_no_column_holds_is_told_before_the_database_is_asked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], number: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, number])
    assert ended.value.code == 2
    assert "2147483647" in capsys.readouterr().err or number == "-1"

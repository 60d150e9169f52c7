"""`wufei key create` and `wufei key list`: a name is one line, as it is to the API."""

import pytest

from services.console.settings import PROJECT
from tests.integration.console.installation import at
from tests.support.api import XINMI
from tests.support.commands import wufei
from tests.support.packages import Installation

__all__ = ["at"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "(string-too-short)"),
        (" \u200b ", "(string-too-short)"),
        ("x" * 201, "(string-too-long)"),
        ("x\n019b  active  system_admin", "(text-of-one-line)"),
    ],
)
async def test_a_name_that_the_api_refuses_is_refused(
    at: Installation, name: str, told: str
) -> None:
    code, said = await wufei(at.database.dsn, "key", "create", "--name", name, "--role", "leader")
    assert (code, "/name" in said, told in said) == (1, True, True), said


async def test_a_name_is_trimmed_and_one_of_before_stays_in_its_line(at: Installation) -> None:
    url = at.database.dsn
    code, said = await wufei(url, "key", "create", "--name", " 县办 ", "--role", "leader")
    assert code == 0, said
    _, before = await wufei(url, "key", "list")
    assert before.splitlines()[-1].endswith("  县办")
    await at.database.pool.execute(
        "UPDATE api_key SET name = E'x\\nforged' WHERE city_code = '410183' AND name = '县办'"
    )
    _, after = await wufei(url, "key", "list")
    assert len(after.splitlines()) == len(before.splitlines())
    assert "x\ufffdforged" in after


async def test_where_there_are_several_cities_the_city_is_said(at: Installation) -> None:
    """No key is made in a city that somebody else's plan put first."""
    url, whose = at.database.dsn, ("key", "create", "--name", "x")
    code, said = await wufei(url, *whose, "--role", "office")
    assert (code, "city    410183" in said) == (0, True), said
    trial = PROJECT / "plans/examples/green-development-index.yaml"
    code, said = await wufei(url, "plan", "load", trial)
    assert code == 0, said
    _, before = await wufei(url, "key", "list")
    for role in ("office", "system_admin", "security_admin", "audit_admin"):
        code, said = await wufei(url, *whose, "--role", role)
        assert (code, "--city" in said, "110000, 410183" in said) == (1, True, True), said
    assert (await wufei(url, "key", "list"))[1] == before
    for more in (
        ("--role", "office", "--city", "410183"),
        ("--role", "office", "--plan", XINMI),
        ("--role", "reporter", "--organization", "UN05"),
    ):
        code, said = await wufei(url, *whose, *more)
        assert (code, "secret  wufei_410183_" in said) == (0, True), said
    assert "reach   unit UN05" in said

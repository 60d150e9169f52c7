"""Long work that a key started: a token of it that may less neither sees nor ends it."""

import ast
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import httpx
import pytest

from services.api.operations.rights import STARTED_WITH
from services.console.settings import PROJECT
from services.core.identity.rules import GRANTABLE_SCOPES, Role
from services.core.imports.service import CHECK, WRITE, permissions_of
from services.core.imports.sheet_forms import SheetKind
from services.core.kit import operations
from services.core.kit.city_scope import in_city
from tests.support.access_tokens import a_key, token_of
from tests.support.api import Door
from tests.support.imports import IMPORTS, work
from tests.support.task_sheets import accepted, as_lines

CITY = "410183"
SCOPES = {kind: sorted({one.scope for one in needed}) for kind, needed in STARTED_WITH.items()}
FORMS: tuple[SheetKind, ...] = get_args(SheetKind)
OF_FORMS = [(form, one.scope) for form in FORMS for one in permissions_of(form)]


def begun_kinds() -> set[str]:
    """Return the kinds of long work that any slice begins, as its source says."""
    found = set()
    for path in (PROJECT / "services" / "core").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
            if ast.unparse(call.func) == "operations.begin":
                (kind,) = [one.value for one in call.keywords if one.arg == "kind"]
                found.add(getattr(_module(path), ast.unparse(kind)))
    return found


def _module(path: Path) -> Any:
    return import_module(".".join(path.relative_to(PROJECT).with_suffix("").parts))


def test_it_is_told_of_each_kind_of_long_work_what_starting_it_takes() -> None:
    assert begun_kinds() == set(STARTED_WITH)
    assert {CHECK, WRITE} <= set(STARTED_WITH)


async def an_operation(door: Door, kind: str, credential: str, **request: str) -> str:
    with in_city(CITY):
        async with door.held.database.transaction() as session:
            made = await operations.begin(
                session,
                city_code=CITY,
                credential_id=UUID(credential),
                kind=kind,
                request=request,
                progress={},
                now=door.held.clock.now(),
            )
            return f"/operations/{made.id}"


def _role_with(scopes: set[str]) -> Role:
    return "reporter" if scopes <= set(GRANTABLE_SCOPES["reporter"]) else "office"


@asynccontextmanager
async def as_token(
    door: Door, key: dict[str, Any], *lacking: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a token that has every scope of its key but some."""
    scope = " ".join(sorted(set(key["scopes"]) - set(lacking)))
    async with door.client(await token_of(door, key, scope=scope)) as client:
        yield client


LACKING: list[tuple[str, dict[str, str], str]] = [
    (kind, {}, lacked) for kind, scopes in SCOPES.items() for lacked in scopes
] + [(kind, {"form": form}, lacked) for kind in (CHECK, WRITE) for form, lacked in OF_FORMS]


@pytest.mark.parametrize(("kind", "request_", "lacked"), LACKING)
async def test_a_token_that_could_not_start_it_neither_sees_nor_ends_it(
    door: Door, kind: str, request_: dict[str, str], lacked: str
) -> None:
    role = _role_with(
        {*SCOPES[kind], *(one for form, one in OF_FORMS if form in request_.values())}
    )
    unit = {"organization_code": "UN15"} if role == "reporter" else {}
    key = await a_key(door, role=role, **unit)
    path = await an_operation(door, kind, key["id"], **request_)
    async with as_token(door, key, lacked) as less:
        for refused in (await less.get(path), await less.post(f"{path}/cancel")):
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert lacked in refused.json()["detail"]
    async with as_token(door, key) as whole:
        assert (await whole.get(path)).json()["state"] == "waiting"
        assert (await whole.post(f"{path}/cancel")).json()["state"] == "cancelled"


async def test_an_import_of_progress_is_looked_at_and_confirmed_with_what_sending_it_took(
    door: Door,
) -> None:
    key = await a_key(door, role="reporter", organization_code="UN15")
    milestone = await accepted(door, "in_progress")
    content = await as_lines(
        door, {milestone["id"]: {"完成百分比": "80", "进展描述": "已完成招标"}}
    )
    async with as_token(door, key) as whole, as_token(door, key, "milestones:write") as less:
        sent = await whole.post(IMPORTS, content=content)
        assert sent.status_code == 202, sent.text
        await work(door)
        path = f"/imports/{sent.json()['request']['import_id']}"
        assert (await whole.get(path)).json()["state"] == "checked"
        for refused in (
            await less.get(path),
            await less.get(f"{path}/faults"),
            await less.get(f"{path}/marked.xlsx"),
            await less.post(f"{path}/confirm"),
            await less.post(f"{path}/discard"),
        ):
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        confirmed = await whole.post(f"{path}/confirm")
        assert (confirmed.status_code, confirmed.json()["request"]["form"]) == (202, "tasks")

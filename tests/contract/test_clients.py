"""Clients that generators make of the contract: their types hold, and one does the tour."""

import compileall
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.api.contract.__main__ import PATH
from tests.support.api import ROOT, XINMI, Door, open_door
from tests.support.contract import CONTRACT

SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
_PACKAGE = "wufei_client"


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The models' generator writes defaults of the contract as they stand there, None and mappings,
# which pydantic makes values of the member's type.
_TYPE_CHECK = """
[mypy]
strict = true
python_version = 3.11
plugins = pydantic.mypy
[mypy-wufei_models]
disable_error_code = assignment
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module with the models of all schemas, of another generator."""
    module = tmp_path_factory.mktemp("models") / "wufei_models.py"
    _run(
        *("datamodel_code_generator", "--input", str(PATH), "--input-file-type", "openapi"),
        *("--output", str(module), "--output-model-type", "pydantic_v2.BaseModel"),
        *("--formatters", "builtin", "--target-python-version", "3.11"),
        *("--set-default-enum-member", "--use-annotated"),
    )
    return module


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package of a client, which can be imported while this module is tested."""
    folder = tmp_path_factory.mktemp("client")
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n", encoding="utf-8")
    told = _run(
        *("openapi_python_client", "generate", "--path", str(PATH), "--meta", "none"),
        *("--output-path", str(folder / _PACKAGE), "--config", str(config)),
    )
    # It knows no body of YAML or CSV; each has JSON beside it. It complains of nothing else.
    warned = [line for line in told.splitlines() if "WARNING" in line]
    assert len(warned) == told.count("Unsupported content type"), told
    sys.path.insert(0, str(folder))
    yield folder / _PACKAGE
    sys.path.remove(str(folder))
    for name in [one for one in sys.modules if one.split(".")[0] == _PACKAGE]:
        del sys.modules[name]


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> Any:
    async with open_door(module_database_url) as opened:
        yield opened


def test_a_client_compiles_and_has_every_operation(generated: Path) -> None:
    assert compileall.compile_dir(generated, quiet=1)
    made = {path.stem for path in (generated / "api").rglob("*.py")}
    operations = [one for methods in CONTRACT["paths"].values() for one in methods.values()]
    assert {one["operationId"] for one in operations} - made == set()


def test_types_of_both_generators_hold(generated: Path, models: Path) -> None:
    config = generated.with_name("mypy.ini")
    config.write_text(_TYPE_CHECK, encoding="utf-8")
    # What is kept of the libraries' types; the clients themselves lie elsewhere each time.
    kept = ROOT / ".mypy_cache" / "clients"
    checked = _run(
        *("mypy", "--config-file", str(config), "--cache-dir", str(kept)),
        *(_PACKAGE, str(models)),
        folder=generated.parent,
    )
    files = len(list(generated.rglob("*.py"))) + 1
    assert f"no issues found in {files} source files" in checked


def test_models_of_another_generator_compile_and_send_what_was_set(models: Path) -> None:
    sys.path.insert(0, str(models.parent))
    try:
        made = importlib.import_module(models.stem)
        sent = made.SubmissionPatch(note="复核后").model_dump_json(exclude_unset=True)
        filled = made.EndpointPatch(description="x").model_dump(exclude_none=True)
        milestone = made.MilestoneIn(
            measure_code="14.1", organization_code="UN10", title="甲", due_date="2026-10-31"
        ).model_dump(mode="json", exclude_none=True)
        known = {name for name in SCHEMAS if hasattr(made, name)}
    finally:
        sys.path.remove(str(models.parent))
        sys.modules.pop(models.stem, None)
    assert sent == '{"note":"复核后"}'
    assert filled == {"description": "x"}
    assert "weight" not in milestone
    assert set(SCHEMAS) - known == set()


def _client(door: Door, secret: str) -> Any:
    package = importlib.import_module(_PACKAGE)
    return package.AuthenticatedClient(
        base_url="http://wufei.test",
        token=secret,
        httpx_args={"transport": httpx.ASGITransport(door.app)},
    )


def _api(*names: str) -> SimpleNamespace:
    """Return the functions of operations, by name, each called with its tag's module."""
    found = {}
    for name in names:
        tag, _, operation = name.partition(".")
        module = importlib.import_module(f"{_PACKAGE}.api.{tag}.{operation}")
        found[operation] = module.asyncio_detailed
    return SimpleNamespace(**found)


@pytest.mark.usefixtures("generated")
async def test_a_generated_client_does_the_tour(door: Door) -> None:
    models = importlib.import_module(f"{_PACKAGE}.models")
    api = _api(
        *("identity.who_am_i", "plans.list_plans", "scores.get_scoreboard"),
        *("submissions.create_submission", "submissions.edit_submission"),
        *("submissions.submit_submission", "submissions.approve_submission"),
        *("webhooks.create_webhook_endpoint", "webhooks.list_webhook_endpoints"),
    )
    async with (
        _client(door, await door.new_key("reporter", "UN15")) as unit,
        _client(door, await door.new_key("office")) as office,
    ):
        me = (await api.who_am_i(client=unit)).parsed
        plans = (await api.list_plans(client=unit)).parsed
        body = models.SubmissionIn(
            indicator_code="U08",
            organization_code="UN15",
            period="2025",
            numerator="8.52",
            denominator="21.10",
            data_status=models.DataStatus.PROVISIONAL,
            draft=True,
        )
        made = await api.create_submission(XINMI, client=unit, body=body, idempotency_key="tour-1")
        edited = await api.edit_submission(
            made.parsed.id,
            client=unit,
            body=models.SubmissionPatch(note="快报"),
            if_match=made.headers["etag"],
        )
        await api.submit_submission(made.parsed.id, client=unit, body=models.RemarkIn())
        approved = await api.approve_submission(
            made.parsed.id, client=office, body=models.RemarkIn()
        )
        await door.react()
        board = (await api.get_scoreboard(XINMI, client=office, period="2025")).parsed
        endpoint = models.EndpointIn(url="https://example.org/hook")
        created = await api.create_webhook_endpoint(client=office, body=endpoint)
        listed = (await api.list_webhook_endpoints(client=office)).parsed
    assert me.organization_code == "UN15"
    assert [plan.code for plan in plans.items] == [XINMI]
    assert (made.status_code, edited.status_code, approved.status_code) == (201, 200, 200)
    assert edited.parsed.note == "快报"
    assert edited.parsed.data_status == "provisional"
    assert approved.parsed.state == "approved"
    shown = next(one for one in board.indicators if one.code == "U08")
    assert shown.display.startswith("40.3")
    assert created.parsed.secret.startswith("whsec_")
    assert [one.id for one in listed.items] == [created.parsed.id]


def test_names_are_those_of_the_things_and_of_no_program() -> None:
    assert [name for name in SCHEMAS if "__" in name or not name.isalnum()] == []
    assert CONTRACT["info"]["title"].isascii()
    assert {"license", "contact"} <= set(CONTRACT["info"])


def test_messages_have_a_tag_of_their_own_and_need_no_credential() -> None:
    received = [methods["post"] for methods in CONTRACT["webhooks"].values()]
    operations = [one for methods in CONTRACT["paths"].values() for one in methods.values()]
    asked = {tag for one in operations for tag in one["tags"]}
    assert {tag for one in received for tag in one["tags"]} & asked == set()
    assert all(one["security"] == [] for one in received)
    for one in received:
        assert "$ref" in one["requestBody"]["content"]["application/json"]["schema"]


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for one in node:
            yield from _schemas(one)
    elif isinstance(node, dict):
        yield node
        for name, one in node.items():
            if name not in {"example", "examples", "default", "enum"}:
                yield from _schemas(one)


def test_values_and_decimals_are_components_and_constants_say_their_type() -> None:
    parts = [
        part
        for schema in SCHEMAS.values()
        for member in schema.get("properties", {}).values()
        for part in _schemas(member)
    ]
    assert [one for one in parts if isinstance(one.get("enum"), list)] == []
    assert [one for one in parts if isinstance(one.get("const"), str) and "type" not in one] == []
    assert [
        one for one in parts if "ExactDecimal" in str(one.get("allOf")) and "default" in one
    ] == []


def test_positions_have_64_bits() -> None:
    narrow = [
        (name, member)
        for name, schema in SCHEMAS.items()
        for member, one in schema.get("properties", {}).items()
        if member in {"position", "last_position"} and "int64" not in str(one)
    ]
    assert narrow == []


def test_every_member_is_described() -> None:
    silent = [
        (name, member)
        for name, schema in SCHEMAS.items()
        for member, one in schema.get("properties", {}).items()
        if not name.startswith("Plan") and "description" not in one and set(one) != {"$ref"}
    ]
    assert silent == []

"""The documentation of the plan format says what the code does."""

import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from services.core.kit.exact_yaml import read_yaml
from services.core.plan import collected_faults, schema
from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "plans" / "examples" / "green-development-index.yaml"
GUIDE = (ROOT / "docs" / "plan-format.md").read_text("utf-8")
PLANS = sorted((ROOT / "plans").rglob("*.yaml"))


def test_the_committed_schema_is_current() -> None:
    assert schema.is_current(), "run: python -m services.core.plan.schema write"
    assert schema.main(["check"]) == 0


def test_a_stale_schema_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schema, "SCHEMA_FILE", tmp_path / "schema.json")
    assert schema.main(["check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert schema.main(["write"]) == 0
    assert schema.main(["check"]) == 0
    assert schema.main([]) == 2


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_every_plan_in_the_repository_checks_clean(path: Path) -> None:
    document = read_yaml(path.read_bytes())
    read_document(document)
    wanted = json.loads(schema.SCHEMA_FILE.read_text("utf-8"))
    jsonschema.Draft202012Validator(wanted).validate(json.loads(json.dumps(document, default=str)))


def test_the_guide_shows_the_example_as_it_is() -> None:
    assert f"```yaml\n{EXAMPLE.read_text('utf-8')}```" in GUIDE


def test_the_example_has_the_published_weights() -> None:
    plan = read_document(read_yaml(EXAMPLE.read_bytes()))
    assert plan.code == "110000-2016"
    assert [str(group.weight) for group in plan.groups] == [
        *("29.3", "16.5", "19.3", "16.5", "9.2", "9.2")
    ]
    assert [each.group for each in plan.indicators] == [group.code for group in plan.groups]
    assert all(each.targets[0].value == Decimal(100) for each in plan.indicators)


def test_a_document_written_as_json_reads_back_the_same() -> None:
    for path in PLANS:
        plan = read_document(read_yaml(path.read_bytes()))
        assert PlanDocument.model_validate_json(plan.model_dump_json()) == plan


def test_the_guide_names_every_member_and_every_fault() -> None:
    definitions = json.loads(schema.SCHEMA_FILE.read_text("utf-8"))["$defs"]
    members = {name for each in definitions.values() for name in each["properties"]}
    assert {
        name for name in members if f"`{name}" not in GUIDE and f".{name}`" not in GUIDE
    } == set()
    assert {code for code in collected_faults.FAULT_TEXTS if f"`{code}`" not in GUIDE} == set()

"""The contract only grows: nothing that somebody may rely on is taken away."""

import subprocess
from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.support.additive import breaks
from tests.support.api import ROOT

FILE = "contracts/openapi.yaml"


def _git(*arguments: str) -> str | None:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def _present() -> str:
    return (ROOT / FILE).read_text(encoding="utf-8")


def _committed_before() -> str | None:
    """Return the newest committed contract that differs from the present one."""
    commits = (_git("log", "-5", "--format=%H", "--", FILE) or "").split()
    for commit in commits:
        text = _git("show", f"{commit}:{FILE}")
        if text is not None and text != _present():
            return text
    return None


def test_the_contract_takes_nothing_away_since_it_was_last_committed() -> None:
    before = _committed_before()
    if before is None:
        print("no earlier contract is committed: there is nothing to compare with")  # noqa: T201
        return
    assert breaks(yaml.safe_load(before), yaml.safe_load(_present())) == []


def _without_path(contract: Any) -> None:
    del contract["paths"]["/v1/me"]


def _without_member(contract: Any) -> None:
    del contract["components"]["schemas"]["SubmissionOut"]["properties"]["value"]


def _demanding(contract: Any) -> None:
    contract["components"]["schemas"]["SubmissionIn"]["required"].append("note")


def _renamed(contract: Any) -> None:
    contract["paths"]["/v1/me"]["get"]["operationId"] = "other"


def _without_schema(contract: Any) -> None:
    del contract["components"]["schemas"]["MeOut"]


@pytest.mark.parametrize(
    "change", [_without_path, _without_member, _demanding, _renamed, _without_schema]
)
def test_what_is_taken_away_is_told(change: Any) -> None:
    before = yaml.safe_load(_present())
    after = deepcopy(before)
    change(after)
    assert len(breaks(before, after)) == 1
    assert breaks(before, before) == []


def test_what_is_added_breaks_nobody() -> None:
    before = yaml.safe_load(_present())
    after = deepcopy(before)
    after["components"]["schemas"]["SubmissionOut"]["properties"]["more"] = {"type": "string"}
    after["paths"]["/v1/more"] = after["paths"]["/v1/me"]
    assert breaks(before, after) == []

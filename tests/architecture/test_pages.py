"""The pages say what is there: paths, names, settings, links; and both languages say the same."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from services.console.settings import ELSEWHERE, variables
from services.core.audit.actions import AuditAction
from services.core.identity.rules import ROLES, SCOPES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for pattern in ("[A-Z]*.md", "deploy/*.md", "docs/*.md", "docs/*/*.md")
    for page in ROOT.glob(pattern)
)
TWINS = [page for page in PAGES if page.name.endswith(".zh-CN.md")]

LONGEST_README = 200
LANGUAGE = {"LC_ALL", "LC_MESSAGES", "LANG"}
"""Variables of the system that tell its language."""

MADE_BY_RUNNING = (
    "build/",
    "var/",
    "run/services.json",
    "clock.json",
    "mutants/",
    "deploy/secrets.env",
    "manifest.json",
)
"""Paths that are there only once something ran."""

FOREIGN = {
    "max_prepared_statements",
    "network_backend",
    "RestClient",
    "max_standby_streaming_delay",
    "pg_last_xact_replay_timestamp",
    "pg_restore",
    "pg_rewind",
    "remote_apply",
    "whsec_new",
    "whsec_old",
}
"""Names of other programs, and secrets of an example."""

FOREIGN |= {f"ssl_{one}" for one in ("ca_certs", "certfile", "keyfile", "cert_reqs")}
"""Words that the Redis client has for TLS."""

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(
    r"(?:[\w.*-]+/)*[\w.*-]+(?:/|\.(?:py|md|yaml|toml|lock|json|html|java))", re.ASCII
)
_FOLDERS = {one.name for one in ROOT.iterdir() if one.is_dir()}
_EXAMPLE = re.compile(r"[<{]\w|=\w+,")
"""Marks a piece of code that holds a word to be replaced, in the page's own language."""

_IDENTIFIER = re.compile(r"[A-Za-z]\w*_\w+|[A-Z][a-z]+(?:[A-Z][a-z]+)+", re.ASCII)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", _text(page))


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh-CN", ""))


each_page = pytest.mark.parametrize("page", PAGES, ids=_name)
each_twin = pytest.mark.parametrize("page", TWINS, ids=_name)


def test_the_readme_is_one_page() -> None:
    for page in ROOT.glob("README*.md"):
        assert len(_text(page).splitlines()) <= LONGEST_README


def _anchors(page: Path) -> set[str]:
    """Return what a link into a page may end in, as GitHub makes it of the headings."""
    said = (title for _, title in _HEADING.findall(_prose(page)))
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in said}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(_prose(page)):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), f"{target}#{anchor}"


def _paths(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each path that a page names, with its line."""
    for line in _prose(page).splitlines():
        for said in _CODE.findall(line):
            if _PATH.fullmatch(said) and not said.startswith(MADE_BY_RUNNING):
                yield said, line


def _exists(said: str, line: str, page: Path) -> bool:
    """Return whether a path is there: from the root, beside its page, in a folder of its line."""
    pattern = said.rstrip("/")
    near = [one.rpartition("/")[0] for one in _CODE.findall(line) if one.startswith("services/")]
    if any(any(ROOT.glob(f"{folder}/{pattern}")) for folder in near):
        return True
    return any(ROOT.glob(pattern)) or any(page.parent.glob(pattern))


@each_page
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    inside = {said for said, _ in _paths(page) if said.split("/")[0] in _FOLDERS}
    files = {said for said, _ in _paths(page) if not said.endswith("/")}
    lost = [said for said, line in _paths(page) if not _exists(said, line, page)]
    assert [said for said in lost if said in inside | files] == []


def test_a_path_that_is_not_there_is_noticed() -> None:
    page = ROOT / "README.md"
    assert _exists("services/api/*/routes.py", "", page)
    assert _exists("gate.py", "`services/core/scoring/`: `gate.py`", page)
    assert not _exists("gate.py", "`services/core/plan/`: `gate.py`", page)
    assert not _exists("services/api/plans_kept.py", "", page)


@cache
def _sources() -> str:
    """Return all that the project holds beside its pages, as one text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / line for line in listed.splitlines() if ROOT / line != Path(__file__)]
    known = {".py", ".yaml", ".toml", ".json", ".java", ".html"}
    texts = [_text(one) for one in files if one.suffix in known and one.is_file()]
    return "\n".join([*listed.splitlines(), *texts, _text(ROOT / "Makefile")])


@cache
def _known() -> set[str]:
    return set(re.findall(r"\w+", _sources(), re.ASCII))


@each_page
def test_every_name_of_the_code_that_a_page_says_is_there(page: Path) -> None:
    said = {name for code in _CODE.findall(_prose(page)) for name in _IDENTIFIER.findall(code)}
    assert sorted(said - _known() - FOREIGN) == []


def test_a_name_that_no_code_has_is_noticed() -> None:
    assert "SubmissionAccess" in _known()
    assert "wufei_drain_lag_seconds" in _known()
    assert "no_such_name" not in _known()


@each_twin
def test_both_languages_have_the_same_shape(page: Path) -> None:
    english, chinese = _english(page), page
    assert _shape(english) == _shape(chinese)
    assert f"({english.name})" in _text(chinese)
    assert f"({chinese.name})" in _text(english)


def _shape(page: Path) -> list[object]:
    """Return a page's headings by level, its blocks of code, and its tables by their columns."""
    headings = [len(level) for level, _ in _HEADING.findall(_prose(page))]
    rows = [
        line.replace("\\|", "").count("|")
        for line in _prose(page).splitlines()
        if line.startswith("|")
    ]
    return [headings, rows, [_bare(block) for _, block in _FENCE.findall(_text(page))]]


def _bare(block: str) -> list[str]:
    """Return the lines of a block of code without remarks, which are in the page's language."""
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


@each_twin
def test_both_languages_name_the_same_things(page: Path) -> None:
    assert _names(_english(page)) == _names(page)


def _names(page: Path) -> set[str]:
    """Return what a page sets as code, but for examples in Chinese and the names of twins."""
    said = {one.replace(".zh-CN", "") for one in _CODE.findall(_prose(page))}
    return {one for one in said if one.isascii() and not _EXAMPLE.search(one)}


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/operations.zh-CN.md"])
def test_the_runbook_names_every_part_of_readiness(page: str) -> None:
    health = _text(ROOT / "services" / "api" / "health.py")
    parts = {"redis", *re.findall(r"^        \"(\w+)\": (?:_told|\"ok\")", health, re.MULTILINE)}
    assert len(parts) > 8
    assert parts - _named(page) == set()


@pytest.mark.parametrize("page", ["docs/observability.md", "docs/observability.zh-CN.md"])
def test_the_page_of_metrics_names_every_metric_and_its_labels(page: str) -> None:
    files = ("api/metrics.py", "worker/metrics.py", "core/kit/process_metrics.py")
    text = "".join(_text(ROOT / "services" / file) for file in files)
    metrics = set(re.findall(r"\"(wufei_\w+)\"", text))
    assert len(metrics) > 35
    assert metrics == {one for one in _named(page) if one.startswith("wufei_")}


def _named(page: str) -> set[str]:
    """Return what a page sets as code, metrics without their labels."""
    return {re.sub(r"\{.*\}", "", one) for one in _CODE.findall(_text(ROOT / page))}


@pytest.mark.parametrize("page", ["docs/audit.md", "docs/audit.zh-CN.md"])
def test_the_page_of_the_audit_names_every_action(page: str) -> None:
    assert {one for one in _named(page) if re.fullmatch(r"[a-z_]+\.[a-z_]+", one)} >= ACTIONS


ACTIONS = set(get_args(AuditAction))


@pytest.mark.parametrize("page", ["docs/glossary.md", "docs/glossary.zh-CN.md"])
def test_the_glossary_has_every_role(page: str) -> None:
    assert set(ROLES) - _named(page) == set()


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_page_for_engineers_lists_every_scope(page: str) -> None:
    listed = re.findall(
        r"^\| (`\w+:\w+`.*?) \|", _text(ROOT / "docs/integrators" / page), re.MULTILINE
    )
    assert {name for names in listed for name in _CODE.findall(names)} == set(SCOPES)


def test_every_action_of_the_audit_is_written_by_somebody() -> None:
    """Each stands whole where it is written, so that it is found by its name."""
    where = [ROOT / "services" / "core" / "audit" / "actions.py"]
    code = "".join(_text(one) for one in (ROOT / "services").rglob("*.py") if one not in where)
    assert sorted(one for one in ACTIONS if f'"{one}"' not in code) == []


def test_the_roles_of_files_and_the_slices_are_those_that_the_decision_lists() -> None:
    """A name that two slices of core share stands in the list, and so does every slice."""
    listed = _names(ROOT / "docs" / "adr" / "0001-one-tree-two-doors.md")
    slices = [
        one for one in (ROOT / "services" / "core").iterdir() if (one / "__init__.py").exists()
    ]
    used = Counter(path.stem for one in slices for path in one.glob("[a-z]*.py"))
    assert {one.name for one in slices} - listed == set()
    assert {name for name, times in used.items() if times > 1} - listed == set()


def test_what_everybody_reads_is_in_both_languages() -> None:
    pages = ("README", "tour", "settings", "glossary", "production", "operations", "observability")
    more = (
        "collecting-once",
        "how-a-change-travels",
        "scale",
        "security",
        "audit",
        "integrators/README",
        "integrators/offline",
        "integrators/gateways",
        "integrators/connector",
        "checks",
        "rankings",
        "what-counts",
        "board",
        "registers",
        "assessments",
        "across-the-gap",
        "papers",
    )
    read = {*pages, *more, "personal-data", "people"}
    expected = {ROOT / f"docs/{name}.zh-CN.md" for name in read} | {ROOT / "README.zh-CN.md"}
    assert expected == set(TWINS)


def _rows(page: Path) -> Mapping[str, str]:
    """Return what a page of settings says of each variable: its default, or who reads it."""
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", _text(page), re.MULTILINE)
    return {name: said for names, said in rows for name in _CODE.findall(names)}


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/settings.zh-CN.md"])
def test_the_page_of_settings_lists_every_setting_with_its_default(page: str) -> None:
    rows = _rows(ROOT / page)
    assert set(rows) == {name for name, _ in variables()} | ELSEWHERE | LANGUAGE
    for name, field in variables():
        written = _written(field.get_default())
        if written is None:
            # No default, or one that is no value to write down, is told in words.
            assert not re.fullmatch(r"`[^`]+`", rows[name]), name
        else:
            assert rows[name] == f"`{written}`"


def _written(default: object) -> str | None:
    """Return a default as one would set it; None: there is nothing to write."""
    if default in (None, "", PydanticUndefined) or default is False:
        return None
    if default is True:
        return "1"
    return f"{default:g}" if isinstance(default, float) else str(default)

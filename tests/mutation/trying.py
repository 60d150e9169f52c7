"""Whether a test notices that a guard is gone: the tests of its package, on a copy of the tree."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import starmap
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.guards import Guard
from tests.mutation.reaching import CHOSEN, REACHED, Reached, files_of
from tests.support.servers import ADDRESSES, Servers

_COPIED = ("services", "tests", "migrations", "plans", "contracts", "docs", "deploy", "bench")
_LONGEST_RUN = 900
"""Seconds. A mutant whose tests take longer is tried once more alone: the machine may be busy."""

_NOTICED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)

_RIGHTS = ("tests/api/test_rights.py", "tests/api/test_reach.py", "tests/api/test_sight.py")
_TESTS: Mapping[str, Sequence[str]] = {
    "agenda": ("tests/api/test_agenda.py", "tests/api/test_calendar_feed.py"),
    "alerts": ("tests/api/test_alerts.py", "tests/api/test_late.py"),
    "audit": ("tests/api/test_access.py",),
    "calendars": ("tests/api/test_calendars.py",),
    "events": ("tests/worker/test_reactor.py", "tests/api/test_feed.py"),
    "extensions": ("tests/api/test_extensions.py", "tests/api/test_more_time_to_report.py"),
    "feed": ("tests/api/test_feed.py", "tests/integration/webhooks/test_planning.py"),
    "identity": (
        "tests/integration/test_keys.py",
        "tests/api/test_access.py",
        "tests/api/test_guards.py",
        "tests/api/test_on_the_wire.py",
    ),
    "kit": (
        "tests/api/test_kept_replies.py",
        "tests/api/test_preconditions.py",
        "tests/api/test_submissions.py",
        "tests/api/hostile",
        "tests/api/test_hostile_input.py",
        "tests/integration/console",
    ),
    "milestones": (
        "tests/api/test_milestones.py",
        "tests/api/test_milestone_lists.py",
        "tests/api/test_milestone_rights.py",
        "tests/api/test_task_progress.py",
        "tests/api/test_superior.py",
    ),
    "obligations": ("tests/api/test_obligations.py", "tests/api/test_opening.py"),
    "plan": (
        "tests/api/test_plans.py",
        "tests/api/test_opening.py",
        "tests/api/test_unit_targets.py",
        "tests/integration/test_publication.py",
        "tests/integration/test_plan_shared.py",
        "tests/integration/test_visibility.py",
        "tests/api/test_guards.py",
    ),
    "scoring": (
        "tests/api/test_scores.py",
        "tests/api/test_publications.py",
        "tests/api/test_changes.py",
        "tests/api/test_owed_and_absent.py",
    ),
    "submissions": (
        "tests/api/test_submissions.py",
        "tests/api/test_submission_lists.py",
        "tests/api/test_authors.py",
        "tests/api/test_what_is_reported.py",
        "tests/api/test_guards.py",
        "tests/api/test_access.py",
    ),
    "webhooks": (
        "tests/api/test_webhooks.py",
        "tests/api/test_webhook_owners.py",
        "tests/api/test_webhook_deliveries.py",
        "tests/worker/test_delivering.py",
        "tests/worker/test_robots.py",
    ),
    "worker": (
        "tests/worker/test_delivering.py",
        "tests/worker/test_reactor.py",
        "tests/worker/test_guard.py",
        "tests/worker/test_sender.py",
        "tests/worker/test_doorbell.py",
        "tests/worker/test_pause.py",
    ),
    "contract": ("tests/contract/test_stale.py", "tests/contract/test_complete.py"),
    "operations": ("tests/api/test_metrics.py", "tests/api/test_outages.py"),
}
"""Beside `tests/unit/…` and `tests/integration/…` of its name, what holds a package."""

_DOOR = (
    "tests/api/test_access.py",
    "tests/api/test_fast_parameters.py",
    "tests/api/test_nothing_ignored.py",
    "tests/api/test_preconditions.py",
    "tests/api/test_kept_replies.py",
    "tests/api/test_page_tokens.py",
    "tests/api/test_on_the_wire.py",
    "tests/api/hostile",
    "tests/api/test_hostile_input.py",
    "tests/api/test_outages.py",
)


def tests_of(package: str, root: Path) -> list[str]:
    """Return the tests that a package's guards are held by, the quickest first."""
    name = package.rpartition("/")[2]
    own = [f"tests/unit/{name}", f"tests/integration/{name}", *_TESTS.get(name, ())]
    own += _DOOR if name == "api" else _RIGHTS
    return [path for path in own if (root / path).exists()]


class Verdict(StrEnum):
    """What became of a mutant; one that only ran out of time may hang, or the machine was busy."""

    KILLED = "killed"
    SURVIVED = "survived"
    SLOW = "out of time"


@dataclass(frozen=True, slots=True)
class Trial:
    """A guard, what became of it when it was gone, and the first test that noticed it."""

    guard: Guard
    verdict: Verdict
    noticed_by: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A copy of the tree and the servers that its tests use."""

    copy: Path
    servers: str


class RedWithoutMutants(RuntimeError):
    """The tests of a package fail though nothing was changed, so they can tell nothing."""


def trials(guards: Sequence[Guard], root: Path, hands: int) -> Iterator[Trial]:
    """Yield what became of each guard, tried `hands` at a time, as it is known.

    Those that ran out of time come last, when each was tried a second time with nothing beside it.

    Raises:
        RedWithoutMutants: if the tests of a package fail as they are.
    """
    with ThreadPoolExecutor(hands) as threads, ExitStack() as stack:
        free: SimpleQueue[_Place] = SimpleQueue()
        for number in range(hands):
            servers = Servers().start()
            stack.callback(servers.stop)
            told = f"{servers.addresses.postgres} {servers.addresses.valkey}"
            free.put(_Place(_copy(root, number), told))

        @contextmanager
        def place() -> Iterator[_Place]:
            taken = free.get()
            try:
                yield taken
            finally:
                free.put(taken)

        def read(package: str) -> Reached:
            with place() as taken:
                return _reached(package, taken, kept)

        kept = root / "build" / "reached" / _digest(root)
        packages = sorted({guard.package for guard in guards})
        reached = dict(zip(packages, threads.map(read, packages), strict=True))

        def tried(guard: Guard, tests: Sequence[str]) -> Trial:
            with place() as taken:
                return _trial(guard, tests, taken)

        # Found in this thread alone: parsing in several at once is not safe.
        held_by = [(guard, reached[guard.package].tests_for(guard, root)) for guard in guards]
        slow = []
        futures = {threads.submit(tried, *held): held for held in held_by}
        stack.callback(threads.shutdown, cancel_futures=True)
        for done in as_completed(futures):
            if done.result().verdict is Verdict.SLOW:
                slow.append(futures[done])
            else:
                yield done.result()
        yield from starmap(tried, slow)


def _digest(root: Path) -> str:
    """Return what changes with the code and its tests."""
    digest = sha256()
    for path in sorted((root / "services").rglob("*.py")) + sorted((root / "tests").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _copy(root: Path, number: int) -> Path:
    copy = (root / "build" / f"mutant-{number}").resolve()
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for folder in _COPIED:
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "README.zh-CN.md", "Makefile"):
        shutil.copy(root / file, copy)
    return copy


def _reached(package: str, place: _Place, kept: Path) -> Reached:
    """Return what the tests of a package reach; that is kept until the code or a test changes."""
    written = kept / f"{package.replace('/', '-')}.json"
    if not written.exists():
        draft = place.copy / written.name
        done = _run_tests(tests_of(package, place.copy), place, {REACHED: str(draft)})
        if done.returncode:
            raise RedWithoutMutants(f"{package}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        kept.mkdir(parents=True, exist_ok=True)
        draft.replace(written)
    return Reached.read(written)


def _trial(guard: Guard, tests: Sequence[str], place: _Place) -> Trial:
    mutated = place.copy / guard.path
    source = mutated.read_text(encoding="utf-8")
    chosen = place.copy / "chosen.json"
    chosen.write_text(json.dumps(tests), "utf-8")
    mutated.write_text(guard.dropped(source), "utf-8")
    try:
        done = _run_tests(files_of(tests), place, {CHOSEN: str(chosen)}, _LONGEST_RUN)
    except subprocess.TimeoutExpired:
        return Trial(guard, Verdict.SLOW)
    finally:
        mutated.write_text(source, "utf-8")
    if done.returncode == 0:
        return Trial(guard, Verdict.SURVIVED)
    noticed = _NOTICED.search(done.stdout)
    return Trial(guard, Verdict.KILLED, noticed[1] if noticed else "the start")


def _run_tests(
    files: Sequence[str], place: _Place, asked: Mapping[str, str], longest: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run tests until one fails.

    Raises:
        subprocess.TimeoutExpired: if they take longer than `longest` seconds.
    """
    options = ["-q", "-x", "-p", "no:xdist", "-p", "tests.mutation.reaching"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=place.copy,
        env={**os.environ, **asked, ADDRESSES: place.servers, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",  # a run that is cut short may end within a character
        timeout=longest,
        check=False,
    )

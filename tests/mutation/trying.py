"""Whether a test notices that a guard is gone: the tests of its package, on a copy of the tree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.guards import Guard
from tests.support.servers import ADDRESSES, Servers

_COPIED = ("services", "tests", "migrations", "plans", "contracts", "docs", "deploy", "bench")
_LONGEST_RUN = 300
"""Seconds; a mutant whose tests hang is noticed, so it counts as killed."""

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
        "tests/api/test_hostile_words.py",
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
    "tests/api/test_hostile_words.py",
    "tests/api/test_hostile_input.py",
    "tests/api/test_outages.py",
)


def tests_of(package: str, root: Path) -> list[str]:
    """Return the tests that a package's guards are held by, the quickest first."""
    name = package.rpartition("/")[2]
    own = [f"tests/unit/{name}", f"tests/integration/{name}", *_TESTS.get(name, ())]
    own += _DOOR if name == "api" else _RIGHTS
    return [path for path in own if (root / path).exists()]


def survivals(guards: Sequence[Guard], root: Path, hands: int) -> Iterator[tuple[Guard, bool]]:
    """Yield each guard and whether every test stayed green without it, `hands` at a time."""
    with ExitStack() as stack, ThreadPoolExecutor(hands) as threads:
        free: SimpleQueue[tuple[Path, str]] = SimpleQueue()
        for number in range(hands):
            servers = Servers().start()
            stack.callback(servers.stop)
            told = f"{servers.addresses.postgres} {servers.addresses.valkey}"
            free.put((_copy(root, number), told))

        def tried(guard: Guard) -> bool:
            copy, told = free.get()
            try:
                return _survives(guard, copy, told)
            finally:
                free.put((copy, told))

        yield from zip(guards, threads.map(tried, guards), strict=True)


def _copy(root: Path, number: int) -> Path:
    copy = (root / "build" / f"mutant-{number}").resolve()
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for folder in _COPIED:
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "README.zh-CN.md", "Makefile"):
        shutil.copy(root / file, copy)
    return copy


def _survives(guard: Guard, copy: Path, told: str) -> bool:
    mutated = copy / guard.path
    source = mutated.read_text(encoding="utf-8")
    mutated.write_text(guard.dropped(source), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist"]
    try:
        done = subprocess.run(
            [*command, *tests_of(guard.package, copy)],
            cwd=copy,
            env={**os.environ, ADDRESSES: told, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=_LONGEST_RUN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        mutated.write_text(source, "utf-8")
    return done.returncode == 0

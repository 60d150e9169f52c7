"""What every test may ask for: the servers of this run, a fresh database, an empty Valkey."""

import gc
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from services.core.kit.garbage import collect_seldom
from tests.support.citus import NOT_RUN, citus_url
from tests.support.city_scope import begin_tests_scope
from tests.support.self_check import SelfCheck
from tests.support.servers import ADDRESSES, Addresses, Servers
from tests.support.statements_sent import StatementsSent

_SERVERS = pytest.StashKey[Servers]()
_SELF_CHECK = SelfCheck()
_LONGEST_FIRST = ("simulation", "e2e", "contract", "worker", "migrations", "integration", "api")
"""Folders whose files take long; those of the rest take a moment, and fill what is left."""
_SENT = StatementsSent()
_SENT.listen()
gc.disable()  # twenty thousand items stay to the end: no collection finds anything until then
begin_tests_scope()

# A shell has what it starts with `&` ignore Ctrl-C, and so would what the tests start. A handler of
# this process is the default in theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No property depends on how fast the machine is. The examples are the same in every run, so that
# what turns red is what was changed; whoever names a number has as many others drawn.
settings.register_profile(
    "wufei", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search",
    parent=settings.get_profile("wufei"),
    derandomize=False,
    print_blob=True,
    max_examples=int(os.environ.get("WUFEI_TEST_EXAMPLES") or 100),
)
settings.load_profile("search" if os.environ.get("WUFEI_TEST_EXAMPLES") else "wufei")


def _addresses(config: pytest.Config) -> Addresses:
    """Start the servers with the first test that needs them; parallel workers were told them."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is not None:
        return Addresses(*told["wufei_servers"])
    if running := os.environ.get(ADDRESSES):
        postgres, valkey = running.split()
        return Addresses(postgres, valkey)
    if _SERVERS not in config.stash:
        config.stash[_SERVERS] = Servers().start()
    return config.stash[_SERVERS].addresses


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a parallel worker where the servers are that the main process started."""
    addresses = _addresses(node.config)
    node.workerinput["wufei_servers"] = (addresses.postgres, addresses.valkey, addresses.nodes)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run one process more than there are processors, for some test is always waiting."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let parallel workers begin with what takes long, so that they end at the same time.

    On a cluster only the suite for Citus is run: other tests start servers of their own.
    """
    if citus_url() is not None:
        wanted = [item for item in items if _is_for_citus(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Collect again, but never among what is there by now."""
    gc.enable()
    collect_seldom()


def _is_for_citus(item: pytest.Item) -> bool:
    """Return whether a test runs on a cluster: its file is marked, and it says no `but` itself."""
    marker = item.get_closest_marker("citus")
    return marker is not None and "but" not in marker.kwargs


def _turn(item: pytest.Item) -> int:
    folder = item.nodeid.split("/")[1]
    return _LONGEST_FIRST.index(folder) if folder in _LONGEST_FIRST else len(_LONGEST_FIRST)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Hear how a test ended, for the self-check table."""
    if report.failed or (report.when == "call" and report.passed):
        _SELF_CHECK.hear(report.nodeid, failed=report.failed)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, however the run ended."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults were survived where tests count them, and where no cluster was tried."""
    counted = Counter[str]()
    for report in terminalreporter.stats.get("passed", ()):
        for name, number in report.user_properties:
            counted[name] += number
    for name, number in counted.items():
        terminalreporter.write_line(f"survived {number:,} {name}")
    if citus_url() is None:
        terminalreporter.write_line(NOT_RUN)
    _SELF_CHECK.write()


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """Where this run's servers are."""
    return _addresses(request.config)


@pytest.fixture
async def database_url(addresses: Addresses) -> AsyncIterator[str]:
    """A migrated database for this test alone: `postgresql://…`."""
    async with addresses.clone() as url:
        yield url


@pytest.fixture(scope="module")
async def module_database_url(addresses: Addresses) -> AsyncIterator[str]:
    """A migrated database that the tests of one module share."""
    async with addresses.clone() as url:
        yield url


@pytest.fixture
async def redis_url(addresses: Addresses) -> str:
    """A Valkey database of this worker's own, empty at the start of the test."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    number = int(worker.removeprefix("gw")) % 16
    url = f"{addresses.valkey.rsplit('/', 1)[0]}/{number}"
    async with Redis.from_url(url) as client:
        await client.flushdb()
    return url


@pytest.fixture(autouse=True)
def one_city_a_statement() -> Iterator[None]:
    """Every statement that our code sends during a test names one city for all its tables."""
    _SENT.taken()
    yield
    faults = _SENT.taken()
    assert faults == []

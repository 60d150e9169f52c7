"""What every test may ask for: the servers of this run, a fresh database, an empty Valkey."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from tests.support.servers import ADDRESSES, Addresses, Servers

_SERVERS = pytest.StashKey[Servers]()

# No property depends on how fast the machine is.
settings.register_profile("wufei", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wufei")


def _addresses(config: pytest.Config) -> Addresses:
    """Start the servers with the first test that needs them; parallel workers were told them."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is not None:
        return Addresses(*told["wufei_servers"])
    if running := os.environ.get(ADDRESSES):
        return Addresses(*running.split())
    if _SERVERS not in config.stash:
        config.stash[_SERVERS] = Servers().start()
    return config.stash[_SERVERS].addresses


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a parallel worker where the servers are that the main process started."""
    addresses = _addresses(node.config)
    node.workerinput["wufei_servers"] = (addresses.postgres, addresses.valkey)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, however the run ended."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults were survived where tests count them."""
    counted = Counter[str]()
    for report in terminalreporter.stats.get("passed", ()):
        for name, number in report.user_properties:
            counted[name] += number
    for name, number in counted.items():
        terminalreporter.write_line(f"survived {number:,} {name}")


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

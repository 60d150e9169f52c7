"""What every test may ask for: the servers of this run, a fresh database, an empty Valkey."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from tests.support.citus import NOT_RUN, citus_url
from tests.support.servers import ADDRESSES, Addresses, Servers
from tests.support.statements_sent import StatementsSent

_SERVERS = pytest.StashKey[Servers]()
_SENT = StatementsSent()
_SENT.listen()

# No property depends on how fast the machine is.
settings.register_profile("wufei", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wufei")


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a cluster run the suite for Citus alone: other tests start servers of their own."""
    if citus_url() is None:
        return
    wanted = [item for item in items if item.get_closest_marker("citus")]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line that nothing ran on a cluster."""
    if citus_url() is None:
        terminalreporter.write_line(NOT_RUN)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, however the run ended."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].stop()


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

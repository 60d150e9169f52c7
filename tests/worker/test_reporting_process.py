"""Workers as they really run: ended while a superior has what they sent, and said nothing."""

from collections.abc import AsyncIterator
from signal import SIGKILL, SIGTERM

import pytest

from services.core.kit.database import connect
from tests.support.planted import KEY
from tests.support.reports import Reports, places, reports_of
from tests.support.superior import a_superior
from tests.worker.running import a_worker, until

SENDING = {
    "WUFEI_SECRET_KEY": KEY,
    "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
    "WUFEI_WEBHOOK_TIMEOUT": "1",
    "WUFEI_WEBHOOK_SCHEDULE": "0,0.2,0.2,0.5,1,1,1,1,1,1",
}


@pytest.fixture
async def reports(database_url: str) -> AsyncIterator[Reports]:
    async with connect(database_url, size=4) as database, reports_of(database) as found:
        yield found


@pytest.mark.parametrize("signal", [SIGKILL, SIGTERM])
async def test_a_worker_that_ends_in_the_midst_loses_nothing_and_doubles_nothing(
    reports: Reports, signal: int
) -> None:
    """The first request is taken and never answered; the worker ends while it waits."""
    await reports.approve(*places(7))
    with a_superior("silent,good") as superior:
        await reports.connector(superior.address, batch_size=5)

        async def took() -> bool:
            return len(superior.requests) > 0

        async def all_accepted() -> bool:
            return await reports.states() == {"accepted": 7}

        async with a_worker(reports.database.dsn, settings=SENDING) as first:
            await until(took)
            first.process.send_signal(signal)
            await first.ended()
        async with a_worker(reports.database.dsn, settings=SENDING):
            await until(all_accepted)
    assert set(superior.came) == {str(one.id) for one in await reports.items()}
    assert len(superior.held) == 7
    assert set(superior.came.values()) == {1}, "what was taken was asked about, not sent again"

"""What is queued for a superior, in which order, and what a lost worker leaves behind."""

import pytest

from services.core.connectors import service
from services.core.connectors.dispatch import claim_batches
from services.core.connectors.models import Connector
from services.core.kit.sealing import Seal, new_seal_key
from services.core.webhooks.addresses import AddressPolicy
from services.worker.delivering import Terms
from services.worker.sender import Sender
from tests.support.planted import SEAL
from tests.support.reports import MAPPING, Place, Reports, places
from tests.support.superior import a_superior
from tests.unit.scoring.builders import CITY
from tests.worker.sending import a_sender

ONE: Place = ("R01", "UN01", "2025")


async def test_what_is_not_mapped_waits_and_goes_when_the_mapping_is_given(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        mapping = {**MAPPING, "units": {}, "periods": {}}
        connector_id = await reports.connector(superior.address, mapping=mapping)
        await reports.turn(sender)
        (item,) = await reports.items()
        assert (item.state, item.missing) == ("unmapped", ["periods:2025", "units:%"])
        await reports.edit(connector_id, mapping=dict(MAPPING))
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 1}


async def test_what_was_refused_whole_goes_by_the_mapping_that_was_mended(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior("denies,good") as superior:
        wrong = {**MAPPING, "periods": {"2025": "WRONG"}}
        connector_id = await reports.connector(superior.address, mapping=wrong)
        await reports.turn(sender)
        assert await reports.states() == {"pending": 1}, "nothing was taken"
        await reports.edit(connector_id, mapping={**MAPPING, "periods": {}})
        assert await reports.states() == {"unmapped": 1}
        await reports.edit(connector_id, mapping=dict(MAPPING))
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 1}
    assert [one["period"] for one in superior.held.values()] == ["202500"]


async def test_a_newer_revision_takes_the_place_of_one_that_was_not_sent(
    reports: Reports, sender: Sender
) -> None:
    with a_superior() as superior:
        await reports.connector(superior.address)
        await reports.approve(ONE, value="1")
        await reports.approve(ONE, value="2")
        await reports.turn(sender)
    assert await reports.states() == {"superseded": 1, "accepted": 1}
    (said,) = [one for _, said in superior.requests for one in said["items"]]
    assert (said["value"], said["revision"], said["op"]) == ("20", 2, "report")


async def test_a_correction_and_a_false_value_follow_what_was_accepted(
    reports: Reports, sender: Sender
) -> None:
    with a_superior() as superior:
        await reports.connector(superior.address)
        await reports.approve(ONE, value="1")
        await reports.turn(sender)
        await reports.approve(ONE, value="2")
        await reports.turn(sender)
        await reports.approve(ONE, value="2", falsified=True, type_="submission.falsified")
        await reports.turn(sender, times=2)
    said = [one for _, said in superior.requests for one in said["items"]]
    assert [one["op"] for one in said] == ["report", "correct", "withdraw"]
    assert [one["replaces"] for one in said] == [None, said[0]["item_id"], said[1]["item_id"]]
    assert superior.held == {}
    assert await reports.states() == {"accepted": 3}


@pytest.mark.parametrize("answered", [True, False])
async def test_after_a_withdrawal_that_was_accepted_a_figure_is_reported_as_at_first(
    reports: Reports, sender: Sender, *, answered: bool
) -> None:
    reports.terms = Terms(schedule=(0, 1), lease_seconds=60)
    with a_superior("good,good,good" if answered else "good,broken,broken,good") as superior:
        await reports.connector(superior.address, receipts=False)
        await reports.approve(ONE, value="1")
        await reports.turn(sender)
        await reports.approve(ONE, value="1", falsified=True, type_="submission.falsified")
        await reports.turn(sender, times=1 if answered else 3)
        await reports.approve(ONE, value="2")
        await reports.turn(sender)
    said = [one for _, said in superior.requests for one in said["items"]]
    told = (said[-1]["op"], said[-1]["replaces"])
    assert told == (("report", None) if answered else ("correct", said[0]["item_id"]))


async def test_what_became_false_before_it_was_sent_is_never_sent(
    reports: Reports, sender: Sender
) -> None:
    with a_superior() as superior:
        await reports.connector(superior.address)
        await reports.approve(ONE)
        await reports.approve(ONE, falsified=True, type_="submission.falsified")
        await reports.turn(sender)
    assert superior.requests == []
    assert await reports.states() == {"superseded": 1}


async def test_a_later_revision_waits_until_it_is_known_what_became_of_the_one_before(
    reports: Reports, sender: Sender
) -> None:
    with a_superior("broken,fails,good") as superior:
        await reports.connector(superior.address)
        await reports.approve(ONE, value="1")
        await reports.turn(sender)
        await reports.approve(ONE, value="2")
        await reports.turn(sender, times=4)
    kinds = [kind for kind, _ in superior.requests]
    assert kinds == ["report", "receipts", "receipts", "report"]
    assert superior.held["ZB-R01", "4101-UN01", "202500"]["value"] == "20"


async def test_what_nobody_answers_fails_by_the_schedule_and_keeps_its_id_when_tried_again(
    reports: Reports, sender: Sender
) -> None:
    reports.terms = Terms(schedule=(0, 1), lease_seconds=60)
    await reports.approve(ONE)
    with a_superior("broken,broken,good") as superior:
        connector_id = await reports.connector(superior.address, receipts=False)
        await reports.turn(sender, times=3)
        (item,) = await reports.items()
        assert (item.state, item.attempts, item.tries) == ("failed", 2, 2)
        done = await reports.again(connector_id, item.id)
        await reports.turn(sender)
    assert done.item_id == item.id
    assert await reports.states() == {"accepted": 1}
    assert superior.came == {str(item.id): 3}


async def test_a_disabled_connector_sends_nothing_and_keeps_its_queue(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        connector_id = await reports.connector(superior.address, enabled=False)
        await reports.turn(sender)
        assert superior.requests == []
        desk = await reports.desk()
        async with reports.database.transaction() as session:
            row = await session.get_one(Connector, (CITY, connector_id))
            await service.note_tried(session, row, desk, missing=0)
            await service.enable_connector(session, row, desk=desk)
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 1}


async def test_only_published_periods_are_reported_where_that_is_the_basis(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        await reports.connector(superior.address, basis="published")
        await reports.turn(sender)
        assert await reports.states() == {}
        assert superior.requests == []


async def test_only_the_indicators_that_are_named_are_reported(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(*places(10))
    with a_superior() as superior:
        await reports.connector(superior.address, indicator_codes=["R02"])
        await reports.turn(sender)
    assert {place[0] for place in superior.held} == {"ZB-R02"}


async def test_what_cannot_be_opened_or_reached_is_not_sent_and_not_lost(reports: Reports) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        await reports.connector(superior.address)
        async with a_sender(AddressPolicy()) as guarded:
            await reports.turn(guarded)
        async with a_sender() as sender:
            worker = reports.worker(sender)
            worker._seal = Seal.read(new_seal_key())
            await worker.begin_due()
            await worker.rest()
    assert superior.requests == []
    assert [one.state for one in await reports.items()] == ["pending"]
    outcomes = await reports.rows("SELECT outcome FROM connector_batch ORDER BY id")
    assert [row.outcome for row in outcomes] == ["blocked_address", "fault"]


@pytest.mark.parametrize("receipts", [True, False])
async def test_a_worker_that_is_lost_after_it_claimed_leaves_what_is_asked_or_sent_again(
    reports: Reports, sender: Sender, *, receipts: bool
) -> None:
    await reports.approve(*places(3))
    with a_superior() as superior:
        await reports.connector(superior.address, receipts=receipts)
        async with reports.database.transaction() as session:
            await claim_batches(session, CITY, seal=SEAL, lease_seconds=60)
        assert await reports.worker(sender).begin_due() == 0, "a batch at a time"
        await reports.later()
        await reports.turn(sender, times=3)
    assert await reports.states() == {"accepted": 3}
    assert set(superior.came.values()) == {1}
    lost = await reports.rows("SELECT id FROM connector_batch WHERE outcome IS NULL")
    assert len(lost) == 1, "which shows that its worker was lost"


async def test_two_workers_never_send_the_same(reports: Reports, sender: Sender) -> None:
    await reports.approve(*places(20))
    with a_superior() as superior:
        await reports.connector(superior.address, batch_size=5)
        for _ in range(5):
            workers = [reports.worker(sender), reports.worker(sender)]
            for worker in workers:
                await worker.begin_due()
            for worker in workers:
                await worker.rest()
            await reports.later()
    assert await reports.states() == {"accepted": 20}
    assert set(superior.came.values()) == {1}


async def test_the_profile_of_the_nation_is_signed_as_it_asks(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior(profile="national") as superior:
        await reports.connector(superior.address, profile="national", interface="SID-1")
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 1}
    assert superior.refused_signatures == 0

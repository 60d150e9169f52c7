"""What is reported to a superior's platform, whatever that answers: nothing is lost or doubled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.core.connectors.dispatch import claim_batches
from services.core.connectors.outcomes import ItemFate
from services.core.connectors.receipts import ItemReceipt, SuperiorAnswer
from services.core.connectors.settling import ReportedBatch, settle_batch
from services.core.webhooks.sending import Outcome
from services.worker.sender import Sender
from tests.support.planted import SEAL
from tests.support.reports import Place, Reports, places
from tests.support.superior import a_superior
from tests.unit.scoring.builders import CITY

ONE: Place = ("R01", "UN01", "2025")


async def test_figures_go_out_in_batches_of_fifty_in_their_codes(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(*places(52), value="12.345")
    with a_superior() as superior:
        await reports.connector(superior.address)
        await reports.turn(sender, times=3)
    assert [len(said["items"]) for _, said in superior.requests] == [50, 2]
    assert await reports.states() == {"accepted": 52}
    held = superior.held["ZB-R01", "4101-UN01", "202500"]
    assert (held["value"], held["unit"], held["op"]) == ("123.45", "permille", "report")
    (item,) = await reports.items(ONE)
    assert item.receipt == superior.receipts[str(item.id)]["receipt"]


async def test_two_of_fifty_are_refused_and_the_rest_counts(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(*places(50))
    with a_superior("refuses") as superior:
        await reports.connector(superior.address)
        await reports.turn(sender, times=2)
        assert len(superior.requests) == 1, "a refusal is an answer"
    assert await reports.states() == {"accepted": 48, "refused": 2}
    refused = [one for one in await reports.items() if one.state == "refused"]
    assert {(one.refusal_code, one.their_code, one.their_words) for one in refused} == {
        ("period-closed", "E17", "该报告期已封账")
    }
    told = await reports.happened("connector.refused")
    assert [one["message_en"] for one in told] == ["The period is closed"] * 2


async def test_a_refused_item_is_sent_again_by_a_person_under_a_new_id(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior("refuses,good") as superior:
        connector_id = await reports.connector(superior.address)
        await reports.turn(sender, times=2)
        (refused,) = await reports.items()
        again = await reports.again(connector_id, refused.id)
        await reports.turn(sender)
    assert again.item_id not in {None, refused.id}
    assert [one.state for one in await reports.items()] == ["superseded", "accepted"]
    (noted,) = await reports.rows(
        "SELECT data FROM audit_entry WHERE action = 'connector.items_retried'"
    )
    assert noted.data == {"reason": "上级已解封", "items": [str(again.item_id)]}


async def test_an_answer_that_comes_twice_is_recognised(reports: Reports, sender: Sender) -> None:
    await reports.approve(*places(3))
    with a_superior("twice") as superior:
        await reports.connector(superior.address)
        await reports.turn(sender, times=2)
    assert await reports.states() == {"accepted": 3}
    assert not any(one.differs for one in await reports.items())


@pytest.mark.parametrize("behaviour", ["half", "silent", "broken", "fails-late"])
async def test_what_was_taken_and_not_answered_is_asked_about_and_not_sent_again(
    reports: Reports, sender: Sender, behaviour: str
) -> None:
    await reports.approve(*places(4))
    with a_superior(f"{behaviour},good") as superior:
        await reports.connector(superior.address)
        await reports.turn(sender)
        assert (await reports.states())["unknown"] > 0
        await reports.turn(sender, times=2)
    assert await reports.states() == {"accepted": 4}
    assert [kind for kind, _ in superior.requests] == ["report", "receipts"]
    assert set(superior.came.values()) == {1}


@pytest.mark.parametrize("behaviour", ["half", "silent", "broken", "fails-late", "babbles"])
async def test_without_an_address_of_receipts_it_is_sent_again_under_the_same_id(
    reports: Reports, sender: Sender, behaviour: str
) -> None:
    await reports.approve(*places(4))
    with a_superior(f"{behaviour},good") as superior:
        await reports.connector(superior.address, receipts=False)
        await reports.turn(sender, times=3)
    assert await reports.states() == {"accepted": 4}
    assert set(superior.came) == {str(one.id) for one in await reports.items()}
    assert len(superior.held) == 4, "each is held once, however often it came"


@pytest.mark.parametrize("behaviour", ["fails", "throttles", "denies", "babbles"])
async def test_what_was_not_taken_is_sent_until_it_is(
    reports: Reports, sender: Sender, behaviour: str
) -> None:
    await reports.approve(*places(4))
    with a_superior(f"{behaviour},{behaviour},good") as superior:
        connector_id = await reports.connector(superior.address)
        await reports.turn(sender, times=6)
    assert await reports.states() == {"accepted": 4}
    assert set(superior.came.values()) == {1}
    assert (await reports.connector_row(connector_id)).state == "active"


async def test_a_pause_that_was_asked_for_is_kept(reports: Reports, sender: Sender) -> None:
    await reports.approve(ONE)
    with a_superior("throttles,good") as superior:
        await reports.connector(superior.address)
        worker = reports.worker(sender)
        await worker.begin_due()
        await worker.rest()
        assert await worker.begin_due() == 0
    (row,) = await reports.rows("SELECT paused_until > now() AS waits FROM connector")
    assert row.waits
    assert [one.state for one in await reports.items()] == ["pending"]


async def test_a_wrong_secret_holds_everything_and_closes_the_connector_at_last(
    reports: Reports, sender: Sender
) -> None:
    reports.terms = replace(reports.terms, disabled_after=timedelta(hours=6))
    await reports.approve(ONE)
    with a_superior(secret="another") as superior:
        connector_id = await reports.connector(superior.address)
        await reports.turn(sender, times=5)
        assert (await reports.connector_row(connector_id)).state == "failing"
        await reports.turn(sender, times=3)
    row = await reports.connector_row(connector_id)
    assert (row.state, row.state_reason) == ("disabled", "failing")
    assert superior.refused_signatures > 3
    assert superior.requests == []
    assert [one.state for one in await reports.items()] == ["pending"]
    (told,) = await reports.happened("connector.disabled")
    assert told["percent"] == 100
    assert [one["percent"] for one in await reports.happened("connector.failing")] == [50, 70, 90][
        : len(await reports.happened("connector.failing"))
    ]


async def test_receipts_that_lie_count_for_nothing(reports: Reports, sender: Sender) -> None:
    await reports.approve(*places(3))
    with a_superior("lies,good") as superior:
        await reports.connector(superior.address)
        await reports.turn(sender)
        assert await reports.states() == {"unknown": 3}
        await reports.turn(sender, times=2)
    assert await reports.states() == {"accepted": 3}
    assert set(superior.came.values()) == {1}
    (batch,) = await reports.rows("SELECT unasked FROM connector_batch WHERE unasked > 0")
    assert batch.unasked == 1


async def test_another_figure_than_ours_is_told_as_differing(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior("rewrites") as superior:
        await reports.connector(superior.address)
        await reports.turn(sender)
    (item,) = await reports.items()
    assert (item.state, item.differs, item.their_value) == ("accepted", True, "0.01")
    (told,) = await reports.happened("connector.differing")
    assert (told["what"], told["ours"], told["theirs"]) == ("figure", "125", "0.01")


async def test_a_second_receipt_that_says_another_thing_is_noted_beside_the_first(
    reports: Reports,
) -> None:
    """A worker was thought lost, another sent again, and both were answered."""
    await reports.approve(ONE)
    await reports.connector("http://127.0.0.1:1", receipts=False)
    batches = []
    for _ in range(2):
        async with reports.database.transaction() as session:
            batches += await claim_batches(session, CITY, seal=SEAL, lease_seconds=60)
        await reports.later()
    assert len({one.id for one in batches}) == 2
    for batch, number in zip(batches, ("R-1", "R-2"), strict=True):
        (item,) = batch.items
        answer = SuperiorAnswer(
            Outcome("delivered", 1, status_code=200, sent_seconds=0.1),
            {item.id: ItemReceipt("accepted", number)},
        )
        reported = ReportedBatch(batch, answer, {item.id: ItemFate("accepted")}, None)
        for _ in range(2):
            async with reports.database.transaction() as session:
                await settle_batch(session, reported, now=reports.clock.now())
    (item_row,) = await reports.items()
    assert (item_row.state, item_row.receipt, item_row.receipts) == ("accepted", "R-1", 2)
    assert item_row.second_receipt is not None
    assert item_row.second_receipt["receipt"] == "R-2"
    assert len(await reports.happened("connector.differing")) == 1

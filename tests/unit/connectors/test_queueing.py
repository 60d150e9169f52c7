"""What is reported next of a place, whatever stands there; and what becomes of an item."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

import pytest

from services.core.connectors.mapping import OutgoingFigure
from services.core.connectors.outcomes import ItemFate, fate_of, may_have_taken
from services.core.connectors.receipts import ItemReceipt, read_answer
from services.core.connectors.rules import HeldFigure, QueuedItem, is_selected, queueing
from services.core.webhooks.schedule import DeliveryFate
from services.core.webhooks.sending import Outcome, OutcomeKind

PLACE = ("R01", "UN01", "2025")
SUBMISSION = UUID(int=7)


def held(revision: int) -> HeldFigure:
    return HeldFigure(SUBMISSION, revision, OutgoingFigure(*PLACE, value=Decimal(1)))


def item(number: int, revision: int, state: str, *, withdrawn: bool = False) -> QueuedItem:
    return QueuedItem(UUID(int=number), SUBMISSION, revision, withdrawn, state)


def follows(
    now: HeldFigure | None, *items: QueuedItem, selected: bool = True
) -> tuple[list[int], tuple[int, bool] | None, int | None]:
    """Return what is superseded, what is new (revision, withdrawn), and what goes on waiting."""
    found = queueing(now, items, place=PLACE, selected=selected)
    new = None if found.new is None else (found.new.revision, found.new.figure.withdrawn)
    return (
        [one.int for one in found.superseded],
        new,
        None if found.kept is None else found.kept.int,
    )


def test_what_counts_is_queued_once() -> None:
    assert follows(held(1)) == ([], (1, False), None)
    assert follows(held(1), item(1, 1, "pending")) == ([], None, 1)
    for state in ("unknown", "accepted", "refused", "failed"):
        assert follows(held(1), item(1, 1, state)) == ([], None, None)


@pytest.mark.parametrize("state", ["pending", "unmapped"])
def test_a_newer_revision_takes_the_place_of_what_cannot_have_left(state: str) -> None:
    assert follows(held(2), item(1, 1, state)) == ([1], (2, False), None)


def test_after_what_may_have_left_a_newer_revision_is_queued_beside() -> None:
    assert follows(held(2), item(1, 1, "unknown")) == ([], (2, False), None)
    assert follows(held(2), item(1, 1, "accepted"), item(2, 2, "pending")) == ([], None, 2)


@pytest.mark.parametrize("state", ["accepted", "unknown", "failed"])
def test_what_counts_no_more_is_taken_back_where_they_may_hold_it(state: str) -> None:
    assert follows(None, item(1, 1, state)) == ([], (1, True), None)
    assert follows(None, item(1, 1, state), item(2, 2, "pending")) == ([2], (1, True), None)


def test_what_they_never_had_is_not_taken_back() -> None:
    assert follows(None) == ([], None, None)
    assert follows(None, item(1, 1, "pending")) == ([1], None, None)
    assert follows(None, item(1, 1, "refused")) == ([], None, None)


@pytest.mark.parametrize("state", ["accepted", "refused", "unknown", "failed"])
def test_it_is_taken_back_once(state: str) -> None:
    back = item(2, 1, state, withdrawn=True)
    assert follows(None, item(1, 1, "accepted"), back) == ([], None, None)
    waiting = item(2, 1, "pending", withdrawn=True)
    assert follows(None, item(1, 1, "accepted"), waiting) == ([], None, 2)


def test_what_was_taken_back_is_not_taken_back_again_after_a_report_that_was_refused() -> None:
    back = item(2, 1, "accepted", withdrawn=True)
    refused = item(3, 2, "refused")
    assert follows(None, item(1, 1, "accepted"), back, refused) == ([], None, None)


def test_what_is_reported_no_more_leaves_what_was_reported() -> None:
    mine = (item(1, 1, "accepted"), item(2, 2, "unmapped"))
    assert follows(held(2), *mine, selected=False) == ([2], None, None)


def test_which_figures_are_reported() -> None:
    def asked(basis: str, state: str, *codes: str) -> bool:
        return is_selected(
            basis=basis, indicator_codes=codes, indicator_code="R01", period_state=state
        )

    assert asked("approved", "open")
    assert not asked("approved", "open", "R02")
    assert asked("published", "published", "R01")
    assert not asked("published", "closed")


WAITS = DeliveryFate("pending", 60.0)
DELIVERED = Outcome("delivered", 1, status_code=200, sent_seconds=0.1)


@pytest.mark.parametrize(
    ("outcome", "taken"),
    [
        (DELIVERED, True),
        (Outcome("timeout", 1, sent_seconds=0.1), True),
        (Outcome("status", 1, status_code=500, sent_seconds=0.1), True),
        (Outcome("status", 1, status_code=403, sent_seconds=0.1), False),
        (Outcome("refused", 1, status_code=200, sent_seconds=0.1), False),
        (Outcome("interrupted", 0), True),
        (Outcome("connect", 1), False),
        (Outcome("blocked_address", 1), False),
        (Outcome("fault", 0), False),
    ],
)
def test_what_may_have_been_taken(outcome: Outcome, *, taken: bool) -> None:
    assert may_have_taken(outcome) is taken
    fate = fate_of(outcome, None, before="pending", scheduled=WAITS)
    assert fate == ItemFate("unknown" if taken else "pending", 60.0, counted=True)
    assert fate_of(outcome, None, before="unknown", scheduled=WAITS).state == "unknown"


def test_a_receipt_decides_and_one_that_knows_nothing_has_it_sent_at_once() -> None:
    statuses: tuple[Literal["accepted", "refused"], ...] = ("accepted", "refused")
    for status in statuses:
        receipt = ItemReceipt(status, "R-1")
        assert fate_of(DELIVERED, receipt, before="unknown", scheduled=WAITS) == ItemFate(status)
    nothing = ItemReceipt("unknown")
    assert fate_of(DELIVERED, nothing, before="unknown", scheduled=WAITS) == ItemFate(
        "pending", counted=True
    )
    over = DeliveryFate("failed")
    assert fate_of(DELIVERED, nothing, before="unknown", scheduled=over).state == "failed"


ONE, TWO = UUID(int=1), UUID(int=2)


def answered(body: str) -> tuple[OutcomeKind, dict[int, ItemReceipt], int]:
    outcome = Outcome("delivered", 1, status_code=200, body=body.encode())
    read = read_answer(outcome, [ONE, TWO])
    return read.outcome.kind, {key.int: one for key, one in read.receipts.items()}, read.unasked


def receipts(*said: str) -> str:
    return '{"code": 200, "data": {"receipts": [' + ", ".join(said) + "]}}"


def test_receipts_are_read_by_item() -> None:
    body = receipts(
        f'{{"item_id": "{ONE}", "status": "accepted", "receipt": 17, "value": 39.0}}',
        f'{{"item_id": "{TWO}", "status": "refused", "code": "E1", "message": "封账"}}',
    )
    assert answered(body) == (
        "delivered",
        {
            1: ItemReceipt("accepted", "17", figure="39"),
            2: ItemReceipt("refused", code="E1", words="封账"),
        },
        0,
    )


@pytest.mark.parametrize(
    ("said", "unasked"),
    [
        (f'{{"item_id": "{ONE}", "status": "accepted"}}', 0),
        (f'{{"item_id": "{ONE}", "status": "done", "receipt": "R"}}', 0),
        (f'{{"item_id": "{UUID(int=3)}", "status": "refused"}}', 1),
        ('{"item_id": 7}', 1),
        ("null", 1),
        ('"x"', 1),
    ],
)
def test_what_is_no_receipt_counts_for_nothing(said: str, unasked: int) -> None:
    assert answered(receipts(said)) == ("delivered", {}, unasked)


def test_two_that_disagree_are_none_and_two_that_agree_are_one() -> None:
    yes = f'{{"item_id": "{ONE}", "status": "accepted", "receipt": "R"}}'
    no = f'{{"item_id": "{ONE}", "status": "refused"}}'
    assert answered(receipts(yes, no)) == ("delivered", {}, 0)
    assert answered(receipts(yes, yes)) == ("delivered", {1: ItemReceipt("accepted", "R")}, 0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"code": 300, "message": "x"}', "refused"),
        ('{"code": 429}', "throttled"),
        ('{"code": "200", "data": {"receipts": []}}', "delivered"),
        ('{"code": 200, "data": null}', "protocol"),
        ('{"code": true, "data": {"receipts": []}}', "protocol"),
        ("[]", "protocol"),
        ("<html>", "protocol"),
        ("", "protocol"),
    ],
)
def test_what_speaks_for_the_whole_request(body: str, kind: str) -> None:
    assert answered(body)[0] == kind

"""The next state of an item after a request, by its receipt or by the lack of one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.core.connectors.mapping import RefusalMapping
from services.core.connectors.receipts import ItemReceipt
from services.core.webhooks.schedule import DeliveryFate
from services.core.webhooks.sending import Outcome

UNMAPPED_REFUSAL = "refused"
"""Our code of a refusal that is not in the mapping."""

_NEVER_TAKEN = frozenset({"refused", "throttled"})
_SAID_NO = range(400, 500)


@dataclass(frozen=True, slots=True)
class ItemFate:
    """The next state of an item, the seconds until it is due, and whether the attempt counts."""

    state: Literal["pending", "unknown", "accepted", "refused", "failed"]
    delay: float = 0
    counted: bool = False


def may_have_taken(outcome: Outcome) -> bool:
    """Return whether a superior may hold the items of a request with this outcome.

    It cannot if no byte was sent, or if it answered that it took nothing.
    """
    if outcome.kind in _NEVER_TAKEN:
        return False
    if outcome.status_code is not None and outcome.status_code in _SAID_NO:
        return False
    return outcome.sent_seconds is not None or outcome.kind in {"interrupted", "delivered"}


def fate_of(
    outcome: Outcome, receipt: ItemReceipt | None, *, before: str, scheduled: DeliveryFate
) -> ItemFate:
    """Return the fate of an item that was in the state `before`, `pending` or `unknown`.

    `scheduled` is the fate that the schedule gives to a request without an answer. A superior that
    does not know an item gets it again at once, under the same id.
    """
    if receipt is not None and receipt.status in {"accepted", "refused"}:
        return ItemFate(receipt.status)
    if scheduled.state == "failed":
        return ItemFate("failed", counted=True)
    if receipt is not None:
        return ItemFate("pending", counted=True)
    reached = before == "unknown" or may_have_taken(outcome)
    return ItemFate("unknown" if reached else "pending", scheduled.delay, scheduled.counted)


def refusal_of(
    refusals: Mapping[str, RefusalMapping], receipt: ItemReceipt
) -> tuple[str, RefusalMapping | None]:
    """Return our code for a refusal, and the mapping's words for it."""
    known = refusals.get(receipt.code or "")
    return (UNMAPPED_REFUSAL, None) if known is None else (known.code, known)

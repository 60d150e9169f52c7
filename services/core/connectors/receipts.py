"""Parses a superior's answer, with distrust, into receipts by item. Pure.

A receipt counts only for items of this request. Two that contradict each other in one answer are
ignored, and so is an acceptance without a number.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from services.core.connectors.mapping import read_figure
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.webhooks.sending import Outcome, kept_text

ReceiptStatus = Literal["accepted", "refused", "unknown"]

_OK = "200"
_TOO_MANY = "429"
_NOT_KNOWN = frozenset({"401", "403"})
_LONGEST_CODE = 60
_LONGEST_WORDS = 500
_STATUSES: Mapping[str, ReceiptStatus] = {
    "accepted": "accepted",
    "refused": "refused",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class ItemReceipt:
    """A superior's receipt for an item. `figure` is the one it holds, if it returned that."""

    status: ReceiptStatus
    number: str | None = None
    code: str | None = None
    words: str | None = None
    figure: str | None = None

    def contradicts(self, *, state: str, number: str | None) -> bool:
        """Return whether it contradicts the receipt that an item already has."""
        if self.status == "unknown":
            return False
        return self.status != state or (state == "accepted" and self.number != number)


@dataclass(frozen=True, slots=True)
class SuperiorAnswer:
    """An answer: the outcome of the request, and receipts by item.

    `unasked` counts receipts for items that were not in the request, which are ignored. `code` is
    the body's, if that is not 200.
    """

    outcome: Outcome
    receipts: Mapping[UUID, ItemReceipt] = field(default_factory=dict)
    unasked: int = 0
    code: str | None = None

    @property
    def knows_us_not(self) -> bool:
        """Whether it took nothing because it did not authenticate the caller."""
        return _NOT_KNOWN.intersection({str(self.outcome.status_code), self.code}) != set()


def read_answer(outcome: Outcome, asked: Collection[UUID]) -> SuperiorAnswer:
    """Return an answer's receipts for the requested items.

    HTTP 200 with a `code` other than 200 in the body means that nothing was taken: `refused`, or
    `throttled` for 429. An answer in another form is `protocol`.
    """
    if outcome.kind != "delivered":
        return SuperiorAnswer(outcome)
    try:
        read = read_json(outcome.body)
    except MalformedBody:
        read = None
    if not isinstance(read, dict) or _word(read.get("code"), _LONGEST_CODE) is None:
        return SuperiorAnswer(replace(outcome, kind="protocol"))
    code = str(read["code"])
    if code != _OK:
        kind: Literal["refused", "throttled"] = "throttled" if code == _TOO_MANY else "refused"
        return SuperiorAnswer(replace(outcome, kind=kind), code=code)
    data = read.get("data")
    listed = data.get("receipts") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return SuperiorAnswer(replace(outcome, kind="protocol"))
    return _answered(outcome, listed, asked)


def _answered(outcome: Outcome, listed: list[Any], asked: Collection[UUID]) -> SuperiorAnswer:
    wanted, unasked = set(asked), 0
    found: dict[UUID, ItemReceipt] = {}
    contradicted: set[UUID] = set()
    for one in listed:
        item_id = _item_id(one)
        if item_id is None or item_id not in wanted:
            unasked += 1
            continue
        receipt = _receipt(one)
        if receipt is not None and found.setdefault(item_id, receipt) != receipt:
            contradicted.add(item_id)
    certain = {one: receipt for one, receipt in found.items() if one not in contradicted}
    return SuperiorAnswer(outcome, certain, unasked)


def _item_id(said: Any) -> UUID | None:
    try:
        return UUID(said["item_id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _receipt(said: Mapping[str, Any]) -> ItemReceipt | None:
    """Parse a receipt; None: it is none that could count."""
    status = _STATUSES.get(str(said.get("status")))
    number = _word(said.get("receipt"), _LONGEST_CODE)
    if status is None or (status == "accepted" and number is None):
        return None
    told = read_figure(said.get("value"))
    return ItemReceipt(
        status,
        number,
        _word(said.get("code"), _LONGEST_CODE),
        _word(said.get("message"), _LONGEST_WORDS),
        None if told is None else _word(told, _LONGEST_CODE),
    )


def _word(said: object, most: int) -> str | None:
    """Return a stranger's word or number as text to store, cut if it is long."""
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    text = kept_text(str(said)[: most * 2].encode("utf-8", "replace")).strip()[:most]
    return text or None

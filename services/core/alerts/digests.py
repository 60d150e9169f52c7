"""Digests: a unit's daily summary notice, and items that were already overdue when first seen.

A unit gets at most one digest of each kind a day. A finding that comes too late for today's is left
undecided: the next evaluation finds it again, for the next digest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.context import EvaluationContext
from services.core.alerts.decisions import NoticeDecision
from services.core.alerts.escalation import Way, recipients
from services.core.alerts.messages import digest_message
from services.core.alerts.statements import GIVE_DIGESTS
from services.core.identity.actor import system
from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent

DigestKind = Literal["daily", "arrival"]
DigestAddress = tuple[str, DigestKind]

MOST_LISTED = 100
"""The most items listed in a digest; it states how many more there are."""


@dataclass(slots=True)
class _Digest:
    event_id: UUID = field(default_factory=new_id)
    total: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    items: list[Mapping[str, Any]] = field(default_factory=list)


class Digests:
    """The digests that one evaluation fills; `given` are those already sent today.

    A unit gets one a day, so none is sent before the `whole` plan was evaluated.
    """

    def __init__(
        self, ground: EvaluationContext, given: Iterable[tuple[str, str]], *, whole: bool
    ) -> None:
        self._ground = ground
        self._whole = whole
        self._given = set(given)
        self._open: dict[DigestAddress, _Digest] = {}

    def address(self, decision: NoticeDecision) -> DigestAddress | None:
        """Return the digest that a decision goes into; None: it gets its own notice.

        Subjects already overdue when first seen go to the office.
        """
        way: Way = decision.way
        match way:
            case "alone":
                return None
            case "arrival":
                return self._ground.rules.office, "arrival"
            case "daily":
                return decision.unit, "daily"
            case _:
                assert_never(way)

    def takes(self, address: DigestAddress) -> bool:
        """Return whether a digest may be sent: after a whole evaluation, once a day."""
        return self._whole and address not in self._given

    def event_id(self, address: DigestAddress) -> UUID:
        """Return the id of a digest's future event."""
        return self._open.setdefault(address, _Digest()).event_id

    def add(self, address: DigestAddress, decision: NoticeDecision, told: tuple[UUID, int]) -> None:
        """Add a written decision to a digest."""
        digest = self._open[address]
        digest.total += 1
        rule = str(decision.row["rule"])
        digest.by_rule[rule] = digest.by_rule.get(rule, 0) + 1
        if len(digest.items) < MOST_LISTED:
            digest.items.append(_item(decision, told))

    async def give(self, session: AsyncSession) -> int:
        """Write the digests and their events; return how many."""
        if not self._open:
            return 0
        ground = self._ground
        made = [self._made(address, digest) for address, digest in self._open.items()]
        await session.execute(
            GIVE_DIGESTS,
            {
                "made": to_json(made).decode(),
                "city": ground.plan.city_code,
                "plan": ground.plan.code,
                "today": ground.moment.today,
                "now": ground.moment.now,
                "actor": to_json(system("alerts")).decode(),
                "traceparent": present_traceparent(),
            },
        )
        note_events(digest.event_id for digest in self._open.values())
        return len(made)

    def _made(self, address: DigestAddress, digest: _Digest) -> dict[str, Any]:
        unit, kind = address
        message = digest_message(digest.total, arrival=kind == "arrival")
        return {
            "event_id": digest.event_id,
            "organization_code": unit,
            "kind": kind,
            "total": digest.total,
            "data": {
                "kind": kind,
                "day": self._ground.moment.today,
                "organization_code": unit,
                "total": digest.total,
                "by_rule": digest.by_rule,
                "items": digest.items,
                "more": digest.total - len(digest.items),
                "message": message.zh,
                "message_en": message.en,
                "recipients": recipients(self._ground.rules, 0, unit, None),
                "rules_version": self._ground.rules_version,
                "calendar_version": self._ground.calendar.version,
            },
        }


_LISTED = (
    "alert_key",
    "epoch",
    "rule",
    "stage",
    "repeat",
    "level",
    "organization_code",
    "due_date",
    "title",
    "message",
    "message_en",
    "calendar",
)


def _item(decision: NoticeDecision, told: tuple[UUID, int]) -> dict[str, Any]:
    row = decision.row
    return {
        "alert_id": told[0],
        "seq": told[1],
        "subject": {"kind": row["subject_kind"], "id": row["subject_id"]},
        **{name: row[name] for name in _LISTED},
    }

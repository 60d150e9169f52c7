r"""The bytes that are hashed for a row, a link, and a head. Pure.

A row is one JSON object in the form in which PostgreSQL writes a jsonb: keys by their length in
bytes, then by their bytes; `, ` and `: ` between; text in UTF-8, of which `"`, `\` and control
characters are escaped; numbers exactly as they were written, `1.50` as `1.50`. So the table's
content is hashed as it is stored, and whoever has the row as JSON can make the same bytes. An
instant is text, in UTC to the microsecond.

A link is seven lines, the last one without an end of line: the digest of the link before (zeros
before the first), the city, the number, the kind, the id of the row, the position of an event in
the log or nothing, and the digest of the row. Digests are SM3, in hexadecimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from json.encoder import encode_basestring
from typing import Any, Literal, NamedTuple
from uuid import UUID

from services.core.kit.signatures import Signature
from services.core.kit.sm3 import DIGEST_BYTES, sm3

LinkKind = Literal["event", "entry"]

NO_LINK = bytes(DIGEST_BYTES)
"""The digest before the first link."""

EVENT_COLUMNS = (
    "id",
    "data",
    "type",
    "actor",
    "city_code",
    "plan_code",
    "subject_id",
    "occurred_at",
    "traceparent",
    "subject_kind",
    "organization_code",
)
"""The members of an event, in the order of their bytes."""

ENTRY_COLUMNS = (
    "id",
    "data",
    "actor",
    "action",
    "city_code",
    "subject_id",
    "occurred_at",
    "subject_kind",
)
"""The members of an entry of the audit, in the order of their bytes."""

COLUMNS_OF: dict[LinkKind, Sequence[str]] = {"event": EVENT_COLUMNS, "entry": ENTRY_COLUMNS}


def _text(said: Any) -> str:
    return "null" if said is None else encode_basestring(said)


def instant(at: datetime) -> str:
    """Return an instant in the form that is hashed: `2026-11-29T08:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def event_bytes(row: Sequence[Any]) -> bytes:
    """Return the bytes of an event; `row` has `EVENT_COLUMNS`, its jsonb as text."""
    id_, data, type_, actor, city, plan, subject, at, trace, kind, unit = row
    return (
        f'{{"id": "{id_}", "data": {data}, "type": {_text(type_)}, "actor": {actor},'
        f' "city_code": {_text(city)}, "plan_code": {_text(plan)},'
        f' "subject_id": {_text(subject)}, "occurred_at": "{instant(at)}",'
        f' "traceparent": {_text(trace)}, "subject_kind": {_text(kind)},'
        f' "organization_code": {_text(unit)}}}'
    ).encode()


def entry_bytes(row: Sequence[Any]) -> bytes:
    """Return the bytes of an entry; `row` has `ENTRY_COLUMNS`, its jsonb as text."""
    id_, data, actor, action, city, subject, at, kind = row
    return (
        f'{{"id": "{id_}", "data": {data}, "actor": {actor}, "action": {_text(action)},'
        f' "city_code": {_text(city)}, "subject_id": {_text(subject)},'
        f' "occurred_at": "{instant(at)}", "subject_kind": {_text(kind)}}}'
    ).encode()


# A tuple, because every link of a chain becomes one.
class Link(NamedTuple):
    """A link of a chain; `position` is None for an entry."""

    number: int
    kind: LinkKind
    row_id: UUID
    position: int | None
    row_digest: bytes
    digest: bytes


def link_digest(city_code: str, previous: bytes, link: Link) -> bytes:
    """Return the digest that a link must have after one with the digest `previous`."""
    place = "" if link.position is None else link.position
    return sm3(
        f"{previous.hex()}\n{city_code}\n{link.number}\n{link.kind}\n{link.row_id}\n{place}\n"
        f"{link.row_digest.hex()}".encode()
    )


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last link of a chain, by number and digest; number 0: there is none."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a chain on a day: the number and digest of its last link.

    Entries whose ids sort before `kept_from` may be dropped; None: none may.
    """

    city_code: str
    day: date
    number: int
    digest: bytes
    kept_from: UUID | None
    made_at: datetime
    signature: Signature | None = None

    def plain(self) -> bytes:
        """Return the bytes that are signed."""
        kept_from = "" if self.kept_from is None else self.kept_from
        return (
            f"wufei audit head\n{self.city_code}\n{self.day}\n{self.number}\n{self.digest.hex()}\n"
            f"{kept_from}\n{instant(self.made_at)}"
        ).encode()

"""The kinds of writes that a device may send, and their possible outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.core.kit.errors import DomainError, Fault, RefusalKind
from services.core.kit.text import Text
from services.core.plan.slots import Slot

MOST_WRITES = 500
"""Most writes of a call."""

KEPT = timedelta(days=90)
"""How long the result of a write can be looked up by its id."""

SubmissionKind = Literal[
    "submission.create", "submission.edit", "submission.submit", "submission.withdraw"
]
MilestoneKind = Literal["milestone.progress", "milestone.complete"]
RowKind = Literal["register_row.create", "register_row.edit", "register_row.withdraw"]
WriteKind = SubmissionKind | MilestoneKind | RowKind | Literal["unreadable"]
"""`unreadable`: its shape is invalid, so its kind is unknown."""

DisputedKind = Literal["milestone", "submission", "register_row"]
"""The subject of a conflict."""

WriteOutcome = Literal["applied", "merged", "unchanged", "conflict", "refused"]
"""`merged`: others changed other fields meanwhile, and both changes are kept. `conflict`: both
changed the same field, or the ledger moved on; the device's version waits for a decision."""


@dataclass(frozen=True, slots=True)
class Write:
    """A write; the device gave `id` and, if it makes something, `subject_id`.

    `base_version` is the version that the device saw last. `said` is by column. A creation of a
    submission has its `slot`, one of a row its `place`: register and unit. `reason` is why a row is
    taken back. `faults` are those of its shape.
    """

    index: int
    id: UUID
    kind: WriteKind
    subject_id: UUID
    digest: bytes
    base_version: int | None = None
    claimed_at: datetime | None = None
    slot: Slot | None = None
    place: tuple[str, str] = ("", "")
    said: Mapping[str, Any] = field(default_factory=dict)
    draft: bool = True
    on_behalf_of: bool | str | None = None
    reason: str | None = None
    faults: tuple[Fault, ...] = ()


def disputed_by(write: Write) -> DisputedKind:
    """Return the kind of conflict that a write can cause."""
    if write.kind.startswith("register_row."):
        return "register_row"
    return "milestone" if write.kind.startswith("milestone.") else "submission"


def was_taken(write: Write, earlier: Mapping[str, Any]) -> bool:
    """Return whether a write with this id and content was taken in before and not refused."""
    return bool(earlier["digest"] == write.digest and earlier["result"]["outcome"] != "refused")


@dataclass(frozen=True, slots=True)
class Sent:
    """A write, and its content as received: JSON."""

    write: Write
    said: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of a write.

    `subject_id` names its subject now: another one than the device made if the same already
    existed. `version` is that subject's, if there is one. `made_in_time`: the device claims that it
    was made before the due date it came after.
    """

    write: Write
    outcome: WriteOutcome
    subject_id: UUID
    version: int | None = None
    conflict_id: UUID | None = None
    made_in_time: bool = False
    refusal: DomainError | None = None


class WriteIdReused(DomainError):
    """The write's id belongs to an earlier write that said something else."""

    code = "write-id-reused"
    kind = RefusalKind.INVALID
    title = Text("该写入编号已用于另一次写入", "The id of the write was used for another one")


class BaseVersionUnknown(DomainError):
    """What the write is about never had the `base_version` that it names."""

    code = "base-version-unknown"
    kind = RefusalKind.INVALID
    title = Text("该数据没有这个版本，请重新读取", "It never had this version; read it again")


class ConflictWaits(DomainError):
    """An earlier write of this call on the same thing is in conflict, so this one waits."""

    code = "conflict-waits"
    kind = RefusalKind.CONFLICT
    title = Text(
        "同一数据的前一次修改有冲突，处理后再提交",
        "An earlier change of the same is in conflict: decide that, then send this anew",
    )


def refusal_kept(error: DomainError) -> dict[str, Any]:
    """Return a refusal in its stored form, in both languages."""
    words = error.detail or error.title
    return {
        "kind": error.kind.value,
        "code": error.code,
        "message": words.zh,
        "message_en": words.en,
        "errors": [
            {
                "pointer": fault.pointer,
                "code": fault.code,
                "detail": fault.detail.zh,
                "detail_en": fault.detail.en,
                "value": fault.value,
            }
            for fault in error.faults
        ],
    }

"""Pydantic schemas of a device's sync requests and their answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator

from services.api.agenda.schemas import TodoOut
from services.api.alerts.schemas import AlertOut
from services.api.contract.refusals import FaultOut
from services.api.deferred_faults import keep_faults
from services.api.instants import Instant
from services.api.milestones.conflict_schemas import MilestoneConflictOut
from services.api.milestones.schemas import CompleteIn, MilestoneOut, ProgressIn
from services.api.obligations.schemas import ObligationOut
from services.api.reasons import RemarkIn
from services.api.registers.conflict_schemas import RegisterRowConflictOut
from services.api.registers.schemas import RegisterRowIn, RegisterRowOut, RegisterRowPatch
from services.api.submissions.conflict_schemas import ConflictOut
from services.api.submissions.schemas import SubmissionIn, SubmissionOut, SubmissionPatch
from services.core.kit.said import CodeIn, Said
from services.core.sync.writes import MOST_WRITES, WriteOutcome

Digest = Annotated[str, Field(max_length=64)]
ListName = Literal[
    "obligations",
    "todo",
    "alerts",
    "conflicts",
    "milestone_conflicts",
    "register_row_conflicts",
    "refused",
]


class _WriteIn(Said):
    id: UUID = Field(
        description="Made by the device (UUIDv7). Sent again, the write is answered as the first"
        " time and not taken in twice; known for 90 days"
    )
    claimed_at: Instant | None = Field(
        default=None,
        description="When the device says that it was written. Kept as claimed, never trusted",
    )


class CreateWriteIn(_WriteIn):
    """A new submission."""

    kind: Literal["submission.create"] = Field(description="Reports a value")
    submission_id: UUID = Field(
        description="Made by the device (UUIDv7): the submission's id for good"
    )
    data: SubmissionIn = Field(description="As the POST of a submission takes it")


class EditWriteIn(_WriteIn):
    """A change of a submission."""

    kind: Literal["submission.edit"] = Field(description="Changes what it names")
    submission_id: UUID = Field(description="The submission")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = Field(
        default=None,
        description="The version that the device saw last, the number at the end of its ETag."
        " Left out where the submission is made in this call",
    )
    data: SubmissionPatch = Field(description="As the PATCH of a submission takes it")


class MoveWriteIn(_WriteIn):
    """A verb on a submission."""

    kind: Literal["submission.submit", "submission.withdraw"] = Field(
        description="Hands it in, or takes it back"
    )
    submission_id: UUID = Field(description="The submission")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = Field(
        default=None, description="As of `submission.edit`"
    )


class ProgressWriteIn(_WriteIn):
    """How far a milestone is."""

    kind: Literal["milestone.progress"] = Field(description="Reports progress")
    milestone_id: UUID = Field(description="The milestone")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] = Field(
        description="The version that the device saw last"
    )
    data: ProgressIn = Field(description="As the milestone's `progress` takes it")


class CompleteWriteIn(_WriteIn):
    """A request to close a milestone."""

    kind: Literal["milestone.complete"] = Field(description="Asks for closure")
    milestone_id: UUID = Field(description="The milestone")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] = Field(
        description="The version that the device saw last"
    )
    data: CompleteIn = Field(description="As the milestone's `complete` takes it")


class CreateRowWriteIn(_WriteIn):
    """A new row of a register."""

    kind: Literal["register_row.create"] = Field(description="Writes a row")
    row_id: UUID = Field(description="Made by the device (UUIDv7): the row's id for good")
    register_code: CodeIn = Field(description="Code of the register")
    data: RegisterRowIn = Field(description="As the POST of a row takes it")


class EditRowWriteIn(_WriteIn):
    """A change of a row of a register."""

    kind: Literal["register_row.edit"] = Field(description="Changes the columns that it names")
    row_id: UUID = Field(description="The row")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = Field(
        default=None,
        description="The version that the device saw last. Left out where the row is made in this"
        " call",
    )
    data: RegisterRowPatch = Field(description="As the PATCH of a row takes it")


class WithdrawRowWriteIn(_WriteIn):
    """A draft of a row of a register that is taken back."""

    kind: Literal["register_row.withdraw"] = Field(description="Takes a draft back")
    row_id: UUID = Field(description="The row")
    base_version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] | None = Field(
        default=None, description="As of `register_row.edit`"
    )
    data: RemarkIn = Field(default=RemarkIn(), description="As the row's `withdraw` takes it")


WriteIn = Annotated[
    CreateWriteIn
    | EditWriteIn
    | MoveWriteIn
    | ProgressWriteIn
    | CompleteWriteIn
    | CreateRowWriteIn
    | EditRowWriteIn
    | WithdrawRowWriteIn,
    Field(discriminator="kind"),
]
CheckedWrite = Annotated[WriteIn, WrapValidator(keep_faults)]
"""A write, or its `DeferredFaults` if it fails validation."""


class KnownListsIn(Said):
    """The lists that the device has, each by the `digest` that came with it."""

    obligations: Digest | None = Field(default=None, description="Of what is owed")
    todo: Digest | None = Field(default=None, description="Of what waits")
    alerts: Digest | None = Field(default=None, description="Of the open alerts")
    conflicts: Digest | None = Field(default=None, description="Of the conflicts")
    milestone_conflicts: Digest | None = Field(
        default=None, description="Of the conflicts over milestones"
    )
    register_row_conflicts: Digest | None = Field(
        default=None, description="Of the conflicts over rows of registers"
    )
    refused: Digest | None = Field(default=None, description="Of what was refused")


class SyncIn(Said):
    """What a device wrote since it was last answered, and what it knows already."""

    plan: CodeIn = Field(description="Code of the plan")
    writes: Annotated[list[CheckedWrite], Field(max_length=MOST_WRITES)] = Field(
        default=[], description="In the order in which they were made"
    )
    position: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] | None = Field(
        default=None,
        description="`position` of the answer before. Left out at first: then nothing that changed"
        " is told, and the lists of submissions, milestones and rows of registers are read page by"
        " page",
    )
    known: KnownListsIn = Field(
        default=KnownListsIn(), description="By list, the `digest` that the device has"
    )


class WriteRefusalOut(BaseModel):
    """Why a write was refused."""

    status: int = Field(description="As of the same by its own path")
    code: str = Field(description="As `code` of a problem")
    message: str = Field(description="The reason, in Chinese")
    message_en: str = Field(description="The reason, in English")
    errors: list[FaultOut] = Field(
        description="Every fault of what it said, in the caller's language"
    )


class DisputedOut(BaseModel):
    """The conflict that a write came into."""

    kind: Literal["milestone", "submission", "register_row"] = Field(
        description="What it is over; a later version may have others"
    )
    id: UUID = Field(description="Its id")
    href: str = Field(description="Where it can be read; with `/decide` behind it, decided")


class WriteResultOut(BaseModel):
    """What became of one write."""

    id: UUID = Field(description="Of the write")
    outcome: WriteOutcome = Field(
        description="`applied`; `merged`: others changed other fields meanwhile, and both stand;"
        " `unchanged`: it was so already; `conflict`: both changed the same, or the ledger moved"
        " on, and what the device said is kept in the conflict; `refused`"
    )
    subject_id: UUID = Field(
        description="The submission, milestone or row; another id than the device made where the"
        " place had a submission already, or the same row stood"
    )
    version: int | None = Field(description="Its version now: the `base_version` of the next write")
    conflict_id: UUID | None = Field(
        description="Of a `conflict`: its id alone. `conflict` says where it is read"
    )
    conflict: DisputedOut | None = Field(description="Of a `conflict`: which one, and its path")
    made_in_time: bool = Field(
        description="It came after its due date, and the device says that it was made before.",
    )
    repeated: bool = Field(description="It was taken in by an earlier call; this is its answer")
    refusal: WriteRefusalOut | None = Field(description="Of what was `refused`")


class SyncTombstoneOut(BaseModel):
    """What is there no more: a withdrawn submission or row, a cancelled milestone."""

    kind: Literal["submission", "milestone", "register_row"] = Field(description="What it was")
    id: UUID = Field(description="Its id")
    position: int = Field(description="Log position of its last change")


class RefusedWriteOut(BaseModel):
    """A write of the last 30 days that was refused."""

    id: UUID = Field(description="Of the write")
    kind: str = Field(description="What it wanted")
    subject_id: UUID = Field(description="Of what")
    said: Any = Field(description="What it said, as it came")
    claimed_at: datetime | None = Field(description="When the device says that it was written")
    received_at: datetime = Field(description="When it came in")
    refusal: WriteRefusalOut = Field(description="Why it was refused")


class _SyncedList(BaseModel):
    digest: str = Field(description="Goes into `known` of the next call")
    has_more: bool = Field(description="More than are told here; its own path has them all")


class SyncedObligations(_SyncedList):
    """What is still owed, soonest due first."""

    items: list[ObligationOut] = Field(description="At most 500")


class SyncedTodo(_SyncedList):
    """What waits for the caller, soonest due first."""

    items: list[TodoOut] = Field(description="At most 200")


class SyncedAlerts(_SyncedList):
    """Open alerts, newest first: nobody has answered them yet."""

    items: list[AlertOut] = Field(description="At most 200")


class SyncedConflicts(_SyncedList):
    """Conflicts, decided ones too, newest first."""

    items: list[ConflictOut] = Field(description="At most 200")


class SyncedMilestoneConflicts(_SyncedList):
    """Conflicts over milestones, decided ones too, newest first."""

    items: list[MilestoneConflictOut] = Field(description="At most 200")


class SyncedRowConflicts(_SyncedList):
    """Conflicts over rows of registers, decided ones too, newest first."""

    items: list[RegisterRowConflictOut] = Field(description="At most 200")


class SyncedRefusals(_SyncedList):
    """What was refused of the caller's writes in the last 30 days, newest first."""

    items: list[RefusedWriteOut] = Field(description="At most 200")


class SyncOut(BaseModel):
    """What became of the writes, and what changed since `position`."""

    results: list[WriteResultOut] = Field(description="Of each write, in their order")
    position: int = Field(description="Goes into the next call")
    has_more: bool = Field(description="More changes follow: call again at once")
    begin_anew: bool = Field(
        description="The device's `position` is beyond the log, as after a restore of an older"
        " backup; or since then the plan has a new version, or a period was closed, published or"
        " opened again, so that others see and may do other things: forget the submissions,"
        " milestones and rows that it has, read their lists page by page, and go on from this"
        " `position`. The writes of the call are answered as ever"
    )
    submissions: list[SubmissionOut] = Field(description="Those that changed since, as they are")
    milestones: list[MilestoneOut] = Field(description="Those that changed since, as they are")
    register_rows: list[RegisterRowOut] = Field(description="Those that changed since, as they are")
    tombstones: list[SyncTombstoneOut] = Field(description="What is there no more")
    obligations: SyncedObligations | None = Field(description="Null: as the device knows it")
    todo: SyncedTodo | None = Field(description="Null: as the device knows it")
    alerts: SyncedAlerts | None = Field(description="Null: as the device knows it")
    conflicts: SyncedConflicts | None = Field(description="Null: as the device knows it")
    milestone_conflicts: SyncedMilestoneConflicts | None = Field(
        description="Null: as the device knows it"
    )
    register_row_conflicts: SyncedRowConflicts | None = Field(
        description="Null: as the device knows it"
    )
    refused: SyncedRefusals | None = Field(description="Null: as the device knows it")

"""Pydantic schemas of milestones."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator

from services.api.actors import ActorOut
from services.api.deferred_faults import keep_faults
from services.api.exports.digits import Digits
from services.api.extensions.schemas import ExtensionOut
from services.api.paging import LIMITED_TO_SCOPE, FollowedPageOut, HistoryChangeOut, PageOut
from services.core.calendars.rules import CalendarStatus
from services.core.kit.decimals import ExactDecimal
from services.core.kit.forms import form
from services.core.kit.said import CodeIn, Line, LongWords, Said, Title, Words
from services.core.milestones.rules import ClosureGrade, EvidenceRule, MilestoneState, MilestoneVerb
from services.core.plan.written import Day
from services.core.scoring.lights import Light

_Weight = Annotated[ExactDecimal, Field(gt=0)]
_Percent = Annotated[ExactDecimal, Field(ge=0, le=100)]

_EVIDENCE_RULE = (
    "What a request for closure must bring: `none`, a `narrative`, or a `document` as evidence"
)
_WEIGHT = "How much it counts within its measure; more than 0"


class MilestoneIn(Said):
    """What a unit is to have done under a measure, and by when."""

    measure_code: CodeIn = Field(description="Code of a measure of the plan, such as `14.1`")
    organization_code: CodeIn = Field(description="The unit that is to do it")
    title: Title = Field(description="In a line")
    deliverable: LongWords | None = Field(
        default=None, description="What is to be there at the end"
    )
    due_date: Day = Field(
        description="The last day on which it is in time, until 24:00 of the plan's time zone; it"
        " may lie after the plan's end"
    )
    weight: _Weight = Field(default=Decimal(1), description=f"{_WEIGHT}. Left out, it is 1")
    evidence_rule: EvidenceRule = Field(default="narrative", description=_EVIDENCE_RULE)
    parent_id: UUID | None = Field(
        default=None,
        description="The milestone of the measure's lead unit that this one is a branch of",
    )


class MilestonePatch(Said):
    """What may change of what was assigned.

    A new due date needs its `reason` and begins a new epoch; the original date stays. An
    `organization_code` assigns a declined one anew, to another unit or to the same.
    """

    # Only members that were sent are read; the contract omits these defaults.
    title: Title = Field(default="", description="In a line")
    deliverable: LongWords | None = Field(default=None, description="Null clears it")
    weight: _Weight = Field(default=Decimal(0), description=_WEIGHT)
    evidence_rule: EvidenceRule = Field(default="narrative", description=_EVIDENCE_RULE)
    due_date: Day = Field(default=date.min, description="The new due date")
    organization_code: CodeIn = Field(default="", description="The unit that is to do it now")
    reason: Words | None = Field(default=None, description="Why; history and events tell it")


class ProgressIn(Said):
    """How far a unit is, in full: what is left out is no longer so."""

    percent: _Percent = Field(description="How much is done, 0 to 100")
    narrative: LongWords | None = Field(default=None, description="What was done")
    problems: LongWords | None = Field(default=None, description="What stands in the way")
    next_steps: LongWords | None = Field(default=None, description="What is done next")
    expected_date: Day | None = Field(
        default=None, description="When the unit expects to be done, if not by the due date"
    )


class EvidenceIn(Said):
    """A document that shows what was done; the file itself stays where it is."""

    name: Title = Field(description="What it is called")
    sha256: Annotated[
        str,
        form(
            "^[0-9a-f]{64}$",
            "应为文件的 SHA-256：64 位小写十六进制数",
            "Must be the file's SHA-256: 64 lower-case hexadecimal digits",
        ),
    ] = Field(description="Digest of its bytes, in lower-case hexadecimal")
    media_type: Annotated[
        str,
        form(
            r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$",
            "应为媒体类型，如 application/pdf",
            "Must be a media type, such as application/pdf",
        ),
    ] = Field(description="Such as `application/pdf`")
    reference: Line = Field(description="Where it is: an address or a document number")


class CompleteIn(Said):
    """A request for closure, with what the milestone's `evidence_rule` demands."""

    narrative: LongWords | None = Field(default=None, description="What was done")
    evidence: Annotated[list[EvidenceIn], Field(max_length=50)] = Field(
        default=[], description="The documents that show it"
    )


class CloseIn(Said):
    """The grade with which a milestone is closed."""

    grade: ClosureGrade = Field(description="`fail` closes it too, as far as it was reported")
    comment: LongWords | None = Field(default=None, description="For the unit")


class MilestoneReopenIn(Said):
    """Why a closed milestone is taken up again, and by when it is due now."""

    reason: Words = Field(description="In a sentence or two")
    due_date: Day | None = Field(default=None, description="A new due date; default: the present")


CheckedMilestone = Annotated[MilestoneIn, WrapValidator(keep_faults)]
"""A `MilestoneIn`, or a `Faulty` if it fails validation."""


class EvidenceOut(BaseModel):
    """A document that shows what was done."""

    name: str = Field(description="What it is called")
    sha256: str = Field(description="Digest of its bytes")
    media_type: str = Field(description="Such as `application/pdf`")
    reference: str = Field(description="Where it is")


class MeasuredOut(BaseModel):
    """An indicator that the measure of a milestone is linked with."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    unit: str | None = Field(description="Its unit of measure, such as `%`")


class MilestoneOut(BaseModel):
    """A milestone as it stands today, and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    version: int = Field(description="Counts its changes; what a device's write is based on")
    plan: str = Field(description="Code of the plan")
    measure_code: str = Field(description="Code of its measure")
    indicators: list[MeasuredOut] = Field(description="What its measure is linked with")
    organization_code: str = Field(description="The unit that is to do it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    parent_id: UUID | None = Field(description="The lead unit's milestone that it is a branch of")
    title: str = Field(description="In a line")
    deliverable: str | None = Field(description="What is to be there at the end")
    evidence_rule: EvidenceRule = Field(description=_EVIDENCE_RULE)
    weight: Digits = Field(description="How much it counts within its measure, exact")
    state: MilestoneState = Field(description="Where it stands")
    percent: Digits = Field(description="As reported last, exact; 100 once it is closed and passed")
    due_date: date = Field(description="The date in force; it ends at 24:00 of that day")
    original_due_date: date = Field(description="The first date, whatever was granted since")
    epoch: int = Field(description="1 at first; a new due date, unit or reopening adds one")
    extensions_granted: int = Field(description="How many extensions were granted")
    extensions: list[ExtensionOut] = Field(description="The ten asked for last, newest first")
    sign_by: date | None = Field(description="By when it is to be accepted or declined")
    answer_by: date | None = Field(
        description="By when a return is to be answered, or a request for closure to be judged"
    )
    narrative: str | None = Field(description="What was done")
    problems: str | None = Field(description="What stands in the way")
    next_steps: str | None = Field(description="What is done next")
    expected_date: date | None = Field(description="When the unit expects to be done")
    evidence: list[EvidenceOut] = Field(description="The documents that show what was done")
    evidence_count: int = Field(description="How many files of evidence were added to it")
    evidence_missing: int = Field(
        description="How many more files the plan asks for before it is completed; 0: none"
    )
    grade: ClosureGrade | None = Field(description="With which it was closed")
    state_reason: str | None = Field(
        description="Why it was declined, returned, reopened or cancelled; how it was closed"
    )
    from_plan: bool = Field(description="It stands for its measure as the plan prints it")
    light: Light = Field(description="How it stands today")
    reason: str = Field(description="Why the light is as it is, in Chinese")
    reason_en: str = Field(description="The same in English")
    reason_code: str = Field(description="The same as a stable code, such as `overdue`")
    days_left: int | None = Field(
        description="Working days to the due date, 0 on the day itself; null once it is overdue or"
        " done"
    )
    days_overdue: int | None = Field(
        description="Working days since the due date; null where it is not overdue"
    )
    overdue_days: int | None = Field(description="The old name of `days_overdue`", deprecated=True)
    calendar: CalendarStatus = Field(
        description="Whether the working days counted lie in announced years; `provisional` may"
        " still change"
    )
    branch_count: int = Field(description="Branches in the caller's scope, without cancelled ones")
    merged_percent: Digits | None = Field(
        description="It and its branches by weight, at scale 20; null where the caller may not see"
        " all of them"
    )
    assigned_by: ActorOut = Field(description="Who assigned it")
    allowed_actions: list[MilestoneVerb] = Field(description="What this caller may do with it now")
    created_at: datetime = Field(description="When it was assigned first")
    updated_at: datetime = Field(description="When it last changed")
    completed_at: datetime | None = Field(description="When its closure was asked for")
    closed_at: datetime | None = Field(description="When it was closed")


class BranchOut(BaseModel):
    """A branch of a milestone, in brief."""

    id: UUID = Field(description="Its id")
    organization_code: str = Field(description="The unit that is to do it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    title: str = Field(description="In a line")
    state: MilestoneState = Field(description="Where it stands")
    percent: Digits = Field(description="As reported last, exact")
    weight: Digits = Field(description="How much it counts, exact")
    due_date: date = Field(description="The date in force")
    light: Light = Field(description="How it stands today")
    reason: str = Field(description="Why, in Chinese")
    reason_en: str = Field(description="The same in English")


class MilestoneDetailOut(MilestoneOut):
    """A milestone with its branches."""

    branches: list[BranchOut] = Field(description="Those in the caller's scope, soonest due first")


class MilestoneTombstoneOut(BaseModel):
    """What was cancelled since the position asked for."""

    id: UUID = Field(description="Id of the milestone")
    position: int = Field(description="Log position of its last change")


class MilestoneListOut(FollowedPageOut[MilestoneOut, MilestoneTombstoneOut]):
    """A page of milestones, soonest due first; or, with `changed_after`, by log position."""

    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


class MilestoneChangeOut(HistoryChangeOut):
    """One change of a milestone: before and after, who, when, by which channel, why."""

    version: int = Field(description="1 for its making")
    action: str = Field(description="What was done, such as `progressed`")
    after: dict[str, Any] = Field(
        description="What it is since, in the names of `MilestoneOut`, without what depends on the"
        " day or the caller"
    )
    actor: dict[str, Any] = Field(
        description="Who: `kind`, `id`, `name`, `role`, `organization_code`, `channel` and the"
        " `request_id`; the system itself has `kind` and `name`"
    )


class MilestoneHistoryOut(PageOut[MilestoneChangeOut]):
    """The changes of a milestone, oldest first."""


class LinkedIndicatorOut(BaseModel):
    """An indicator that measures are linked with, as the scoreboard shows it."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    light: Light = Field(description="Its light on the scoreboard of the period")
    reason: str = Field(description="Why, in Chinese")
    reason_en: str = Field(description="The same in English")


class ProgressSumOut(BaseModel):
    """Milestones added up, in the caller's scope; cancelled ones do not count."""

    percent: Digits | None = Field(description="By weight, at scale 20; null: there are none")
    display: str | None = Field(description="The same for people, two places")
    weight: Digits = Field(description="The sum of their weights, exact")
    milestones: int = Field(description="How many there are")
    closed: int = Field(description="How many of them are closed")
    overdue: int = Field(description="How many are overdue, not handed in")
    next_due_date: date | None = Field(description="The soonest due date of those not closed")
    whole: bool = Field(description="False where the caller may see only some of the milestones")
    light: Light = Field(description="The worst of its milestones' and linked indicators' lights")
    reason: str = Field(description="Why, in Chinese")
    reason_en: str = Field(description="The same in English")
    reason_code: str = Field(description="The first reason as a stable code")


class MeasureProgressOut(ProgressSumOut):
    """How far one measure is."""

    code: str = Field(description="Code of the measure")
    lead_units: list[str] = Field(description="Codes of the units that lead it")
    indicators: list[str] = Field(description="Codes of the indicators that it is linked with")


class ProgressOut(ProgressSumOut):
    """How far a task or a unit is."""

    number: int | None = Field(description="Number of the task; null for a unit")
    organization_code: str | None = Field(description="Code of the unit; null for a task")
    name: str = Field(description="Title of the task, or name of the unit")
    measures: list[MeasureProgressOut] = Field(description="Measure by measure")
    indicators: list[LinkedIndicatorOut] = Field(description="The indicators linked with them")


class TaskProgressOut(ProgressOut):
    """How far one task is."""

    plan: str = Field(description="Code of the plan")
    period: str = Field(description="The period of the scoreboard that the lights are of")
    local_date: date = Field(description="The day that all this is told of")


class ProgressListOut(BaseModel):
    """How far the tasks or units of a plan are, in the plan's order."""

    plan: str = Field(description="Code of the plan")
    period: str = Field(description="The period of the scoreboard that the lights are of")
    local_date: date = Field(description="The day that all this is told of")
    by: Literal["task", "lead", "township"] = Field(description="What is added up")
    items: list[ProgressOut] = Field(description="All of them; a plan has some hundreds at most")
    next_page_token: str | None = Field(description="Always null: there are no further pages")

"""Schemas of the data of each type of event. Members may be added; those here stay."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, NotRequired, get_args

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from services.api.feed.assessment_shapes import AppealData, AssessmentData
from services.api.feed.milestone_shapes import MilestoneConflictData
from services.api.feed.report_shapes import (
    ConnectorChangedData,
    ConnectorDisabledData,
    ConnectorFailingData,
    ConnectorSecretRefusedData,
    ReportDifferingData,
    ReportRefusedData,
)
from services.api.feed.row_shapes import RegisterRowConflictData
from services.core.events.catalogue import EventType


def _(text: str) -> Any:
    return Field(description=text)


_Indicator = Annotated[str, _("Code of the indicator")]
_Unit = Annotated[str, _("Code of the organization that it concerns")]
_Period = Annotated[str, _("`2025`, `2025-H1`, `2025-Q3` or `2025-09`")]
_Version = Annotated[int, _("Counts the changes of the thing: 1, 2, 3, …")]
_Reason = Annotated[str, _("Why, in the words of whoever did it")]
_Due = Annotated[date, _("Until when, the local day included")]
_Epoch = Annotated[int, _("Counts its due dates: more time, or a reopening, begins a new one")]
_Document = Annotated[str, _("Number of the document that decides it")]
_Documented = Annotated[date, _("Date of that document")]
_Message = Annotated[str, _("In a sentence, in Chinese")]
_MessageEn = Annotated[str, _("In a sentence, in English")]


class ThingData(TypedDict):
    """What something is about."""

    kind: Annotated[str, _("Such as `milestone` or `obligation`")]
    id: Annotated[str, _("Its id")]


class PlanData(TypedDict):
    """A version of a plan came into force."""

    version: _Version
    title: Annotated[str, _("Title of the plan")]
    status: Annotated[str, _("Status of the document, such as `in_force`")]


class ConditionData(TypedDict):
    """One of the things that a target of the kinds `all_of` and `any_of` asks for."""

    kind: Annotated[str, _("Such as `at_least`")]
    value: Annotated[str | None, _("Exact; null where the kind sets no number")]
    upper: Annotated[str | None, _("The other end of `between`")]


class TargetData(TypedDict):
    """The superior assigned a target."""

    indicator_code: _Indicator
    year: Annotated[int, _("The year it is for")]
    sequence: Annotated[int, _("Counts the assignments of that year; the last counts")]
    kind: Annotated[str, _("Such as `at_least`")]
    value: Annotated[str | None, _("Exact; null where words were given")]
    upper: NotRequired[Annotated[str | None, _("The other end of `between`")]]
    conditions: NotRequired[
        Annotated[list[ConditionData], _("What `all_of` and `any_of` ask for; else empty")]
    ]
    text: Annotated[str | None, _("In the superior's words")]
    document_number: _Document
    document_date: _Documented


class QuestionData(TypedDict):
    """An open question of the plan was settled."""

    question_id: Annotated[str, _("Id of the question within the plan")]
    decision: Annotated[str, _("What was decided")]
    document_number: _Document
    document_date: _Documented


class PeriodData(TypedDict):
    """A period was opened, closed, published or opened again, or is due on another day."""

    period: _Period
    state: Annotated[str, _("What it is from now on")]
    due_date: Annotated[date, _("Until when its values are due")]
    publication_number: Annotated[int | None, _("The number that it is published under")]
    reason: NotRequired[_Reason]


class SubmissionData(TypedDict):
    """A reported value changed its state."""

    indicator_code: _Indicator
    organization_code: _Unit
    period: _Period
    revision: Annotated[int, _("1 at first; each correction of an approved one adds one")]
    version: _Version
    state: Annotated[str, _("Where it stands in the review from now on")]
    reason: NotRequired[_Reason]


class EvidenceData(TypedDict):
    """A file was added to a submission, a milestone, a row or an assigned target, or removed.

    The event's `subject` says of what; an assigned target's is its indicator.
    """

    evidence_id: Annotated[str, _("Id of the file")]
    file_name: Annotated[str, _("What it is called")]
    file_type: Annotated[str, _("What it is by its content, such as `pdf`")]
    size: Annotated[int, _("Its length in bytes")]
    sha256: Annotated[str, _("Its SHA-256 digest, in hexadecimal")]
    organization_code: NotRequired[_Unit]
    indicator_code: NotRequired[_Indicator]
    period: NotRequired[_Period]
    revision: NotRequired[Annotated[int, _("Of a submission: the revision it was added to")]]
    version: NotRequired[_Version]
    state: NotRequired[Annotated[str, _("Of a submission, a milestone or a row: where it stands")]]
    register_code: NotRequired[Annotated[str, _("Of a register's row: the register")]]
    measure_code: NotRequired[Annotated[str, _("Of a milestone: its measure")]]
    title: NotRequired[Annotated[str, _("Of a milestone: its title")]]
    percent: NotRequired[Annotated[str, _("Of a milestone: how far it is")]]
    due_date: NotRequired[_Due]
    epoch: NotRequired[_Epoch]
    grade: NotRequired[Annotated[str, _("Of a milestone that was closed before: its grade")]]
    year: NotRequired[Annotated[int, _("Of an assigned target: its year")]]
    sequence: NotRequired[Annotated[int, _("Of an assigned target: which assignment")]]


class ConflictData(TypedDict):
    """What a device or another source says of a value and what the ledger says differ."""

    indicator_code: _Indicator
    organization_code: _Unit
    period: _Period
    submission_id: Annotated[str, _("Id of the submission that both are about")]
    reason: Annotated[str, _("`both-changed`, `moved-on`, `place-taken` or `over-tolerance`")]
    fields: Annotated[list[str], _("What differs")]
    taken: NotRequired[
        Annotated[str, _("Which was taken: `ledger`, `device`, `observation` or `both`")]
    ]
    kind: NotRequired[Annotated[str, _("`device`, or `observation`: with another source")]]
    observation_id: NotRequired[Annotated[str, _("Id of what the other source says")]]
    source_code: NotRequired[Annotated[str, _("Code of that source")]]
    difference: NotRequired[
        Annotated[str | None, _("How far the two lie apart, exact; null: they are no two numbers")]
    ]
    owner_code: NotRequired[Annotated[str | None, _("Who has to decide; null: the office")]]
    due_date: NotRequired[Annotated[date | None, _("Until when it is to be decided")]]
    closed_because: NotRequired[
        Annotated[str, _("Why: `within-tolerance`, `value-withdrawn` or `observation-withdrawn`")]
    ]


class ObservationData(TypedDict):
    """Another source said something of a value, or took it back."""

    indicator_code: _Indicator
    organization_code: _Unit
    period: _Period
    source_code: Annotated[str, _("Code of the source")]
    reference: Annotated[str, _("The source's own name of the figure and of its version")]
    version: _Version
    reason: NotRequired[_Reason]


class RegisterRowData(TypedDict):
    """A row of a register was written, confirmed, ended or taken back."""

    register_code: Annotated[str, _("Code of the register")]
    organization_code: _Unit
    state: Annotated[str, _("What it is from now on")]
    version: _Version
    reason: NotRequired[_Reason]


class ScoreData(TypedDict):
    """A scoreboard is another than it was."""

    period: _Period
    basis: Annotated[str, _("`approved`, or `submitted`: with what is still under review")]
    score: Annotated[str | None, _("Exact; null: nothing can be scored")]
    display: Annotated[str | None, _("As it is shown")]
    grade: Annotated[str | None, _("Code of the grade")]
    coverage: Annotated[str, _("Which share of the weight is scored, 0 to 1")]
    indicators: Annotated[list[str], _("Codes of the indicators whose rows changed")]
    position: Annotated[int, _("Number of the last event that counts in it")]


class CalendarData(TypedDict):
    """A year of working days was announced or changed."""

    code: Annotated[str, _("Code of the calendar")]
    year: Annotated[int, _("The year")]
    version: _Version
    source: Annotated[str, _("Where it comes from")]


class ObligationData(TypedDict):
    """A value may be reported later."""

    indicator_code: _Indicator
    organization_code: _Unit
    period: _Period
    due_date: _Due
    previous_due_date: Annotated[date, _("The date before it")]
    original_due_date: Annotated[date, _("The first date of all")]
    epoch: _Epoch
    extensions: Annotated[int, _("How often it was granted more time")]
    extension_id: Annotated[str, _("Id of the extension")]
    version: _Version


class ReminderData(TypedDict):
    """A unit was reminded of what it has not handed in."""

    organization_code: _Unit
    period: _Period
    indicator_codes: Annotated[list[str], _("Codes of the indicators that are missing")]
    due_date: Annotated[date, _("The earliest date of them, the local day included")]
    note: Annotated[str | None, _("What the office adds")]


class MilestoneData(TypedDict):
    """A milestone changed."""

    measure_code: Annotated[str, _("Code of the measure")]
    organization_code: _Unit
    title: Annotated[str, _("What was promised")]
    state: Annotated[str, _("What it is from now on")]
    percent: Annotated[str, _("How much of it is done, exact, 0 to 100")]
    due_date: _Due
    epoch: _Epoch
    version: _Version
    grade: NotRequired[Annotated[str, _("How well it was done")]]
    reason: NotRequired[_Reason]


class ExtensionData(TypedDict):
    """More time was asked for, or that was decided, or is to be by another day."""

    subject_kind: Annotated[str, _("`milestone` or `obligation`")]
    subject_id: Annotated[str, _("Id of what needs more time")]
    organization_code: _Unit
    number: Annotated[int, _("1 for the first that was asked for, and so on")]
    state: Annotated[str, _("`requested`, `approved`, `denied` or `withdrawn`")]
    present_date: Annotated[date, _("The due date when it was asked for")]
    proposed_date: Annotated[date, _("The date that was asked for")]
    granted_date: Annotated[date | None, _("The date that was granted")]
    decide_by: Annotated[date, _("Until when it is to be decided")]
    reason: _Reason
    decision_reason: Annotated[str | None, _("Why it was decided so")]
    measure_code: NotRequired[Annotated[str, _("Of a milestone: code of its measure")]]
    title: NotRequired[Annotated[str, _("Of a milestone: what was promised")]]


class AlertRulesData(TypedDict):
    """A plan's alert rules changed."""

    version: _Version


class AlertData(TypedDict):
    """Something is due, late or calls for somebody; or it does no more."""

    alert_id: Annotated[str, _("Id of the alert")]
    alert_key: Annotated[str, _("Names the object, the rule and the epoch; the same every time")]
    epoch: _Epoch
    seq: Annotated[int, _("Counts what was told of it: drop what comes after a higher one")]
    rule: Annotated[str, _("Which rule it is from")]
    stage: Annotated[str, _("Such as `T-7`, `T0` or `O+3`")]
    repeat: Annotated[int, _("Counts the repeats of the stage")]
    level: Annotated[int, _("0 to 3; 1 is blue, 2 orange, 3 red")]
    due_date: Annotated[date | None, _("When it was or is due; null: it has no date")]
    subject: Annotated[ThingData, _("What calls for somebody")]
    organization_code: Annotated[str | None, _("The unit in charge")]
    measure_code: Annotated[str | None, _("Code of a measure, where it is under one")]
    indicator_code: Annotated[str | None, _("Code of an indicator, where it is about one")]
    title: Annotated[str, _("What it is called")]
    message: _Message
    message_en: _MessageEn
    recipients: Annotated[list[dict[str, Any]], _("Organizations and functions that are told")]
    calendar: Annotated[str, _("`official`, or `provisional`: days off are not announced yet")]
    reason: NotRequired[Annotated[str, _("`alert.resolved`: why it is over")]]
    state: NotRequired[Annotated[str, _("`acknowledged` or `snoozed`")]]
    hold_until: NotRequired[Annotated[date | None, _("Until when nothing more is told")]]
    promised_date: NotRequired[Annotated[date | None, _("By when it will be done")]]
    answer: NotRequired[Annotated[str, _("What whoever answered wrote")]]


class DigestData(TypedDict):
    """What a unit is told of once a day."""

    kind: Annotated[str, _("`daily`, or `arrival`: what was late when it was first seen")]
    day: Annotated[date, _("The local day")]
    organization_code: _Unit
    total: Annotated[int, _("How many alerts")]
    by_rule: Annotated[dict[str, int], _("How many by rule")]
    items: Annotated[list[dict[str, Any]], _("The first hundred, each as an alert tells it")]
    more: Annotated[int, _("How many there are beyond those")]
    message: _Message
    message_en: _MessageEn
    recipients: Annotated[list[dict[str, Any]], _("Organizations and functions that are told")]
    rules_version: Annotated[int, _("Version of the rules it was decided by")]
    calendar_version: Annotated[int, _("Version of the calendar it was decided by")]


class ReceiverData(TypedDict):
    """A test of an endpoint."""

    url: Annotated[str, _("Where it is, without what may be a token")]
    owner_credential_id: Annotated[str, _("Id of the key that owns it")]


class ReplayData(ReceiverData):
    """What was not delivered is sent again."""

    since: Annotated[datetime, _("What happened from then on")]
    operation_id: Annotated[str, _("Id of the operation")]


class FailingData(ReceiverData):
    """Nothing has come through to an endpoint for long."""

    percent: Annotated[int, _("How much of the time until it is disabled is over: 50, 70, 90")]
    failing_since: Annotated[datetime | None, _("Since when nothing has come through")]
    consecutive_failures: Annotated[int, _("How many attempts failed since")]


class DisabledData(ReceiverData):
    """Nothing is sent to an endpoint any more."""

    reason: Annotated[str, _("`gone`, `failing`, `manual` or `scope-lost`")]
    percent: NotRequired[Annotated[int, _("100 where it failed too long")]]
    failing_since: NotRequired[Annotated[datetime | None, _("Since when nothing came through")]]
    consecutive_failures: NotRequired[Annotated[int, _("How many attempts failed since")]]


_FAMILIES: Mapping[str, type] = {
    "plan": PlanData,
    "target": TargetData,
    "question": QuestionData,
    "period": PeriodData,
    "submission": SubmissionData,
    "evidence": EvidenceData,
    "conflict": ConflictData,
    "observation": ObservationData,
    "register_row": RegisterRowData,
    "register_row_conflict": RegisterRowConflictData,
    "assessment": AssessmentData,
    "appeal": AppealData,
    "score": ScoreData,
    "calendar": CalendarData,
    "obligation": ObligationData,
    "reminder": ReminderData,
    "milestone": MilestoneData,
    "milestone_conflict": MilestoneConflictData,
    "extension": ExtensionData,
    "alert_rules": AlertRulesData,
    "alert": AlertData,
}
_SINGLE: Mapping[EventType, type] = {
    "alert.digest": DigestData,
    "webhook.test": ReceiverData,
    "webhook.replayed": ReplayData,
    "webhook.failing": FailingData,
    "webhook.disabled": DisabledData,
    "connector.changed": ConnectorChangedData,
    "connector.failing": ConnectorFailingData,
    "connector.secret_refused": ConnectorSecretRefusedData,
    "connector.disabled": ConnectorDisabledData,
    "connector.refused": ReportRefusedData,
    "connector.differing": ReportDifferingData,
}

SHAPES: Mapping[EventType, type] = {
    type_: _SINGLE.get(type_) or _FAMILIES[type_.split(".")[0]] for type_ in get_args(EventType)
}
"""The schema of the data of each type of event."""


def schema_of(shape: type) -> dict[str, Any]:
    """Return the JSON schema of a model, with its definitions."""
    return TypeAdapter(shape).json_schema(mode="serialization")

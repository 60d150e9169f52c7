"""The state machine of an assessment: transitions, and who may make them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from services.core.assessments.errors import ScoreSheetNotFound
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.plan.sheet_entries import AssessedKind, ScoreSheet
from services.core.plan.state import PlanState
from services.core.submissions.authorship import Authors, authors_read
from services.core.submissions.rules import reviews

AssessmentState = Literal["draft", "submitted", "confirmed", "published", "withdrawn"]
AssessmentVerb = Literal["edit", "submit", "return", "confirm", "publish", "withdraw"]

TRANSITIONS: Mapping[tuple[AssessmentState, AssessmentVerb], AssessmentState] = {
    ("draft", "edit"): "draft",
    ("draft", "submit"): "submitted",
    ("draft", "withdraw"): "withdrawn",
    ("submitted", "return"): "draft",
    ("submitted", "confirm"): "confirmed",
    ("submitted", "withdraw"): "withdrawn",
    ("confirmed", "return"): "draft",
    ("confirmed", "publish"): "published",
}
"""The transitions. A pair that is not here is refused; a published assessment is final, and only an
upheld appeal corrects it."""

ACTIONS: Mapping[AssessmentVerb, str] = {
    "edit": "changed",
    "submit": "submitted",
    "return": "returned",
    "confirm": "confirmed",
    "publish": "published",
    "withdraw": "withdrawn",
}
"""The name of each verb in history and events."""


@dataclass(frozen=True, slots=True)
class SheetInForce:
    """A version of a score sheet; each change of a sheet by a plan makes a new one."""

    version: int
    sheet: ScoreSheet


@dataclass(frozen=True, slots=True)
class NewAssessment:
    """An incoming assessment; with `faults` its shape is invalid.

    The sheet determines which members are given.
    """

    period: str
    organization_code: str | None = None
    village_code: str | None = None
    village_name: str | None = None
    row_id: UUID | None = None
    findings: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class AssessedSubject:
    """The subject of an assessment; `comparable` identifies the group in which it may be ranked."""

    kind: AssessedKind
    key: str
    name: str
    organization_code: str
    comparable: str


def sheet_in(plan: PlanState, code: str) -> ScoreSheet:
    """Return the score sheet with this code in the plan in force.

    Raises:
        ScoreSheetNotFound: the plan has none.
    """
    found = plan.sheets.get(code)
    if found is None:
        raise ScoreSheetNotFound
    return found


def assesses(actor: Actor, sheet: ScoreSheet) -> bool:
    """Return whether the actor assesses by a sheet: the office, or one of its assessors."""
    return reviews(actor, sheet.assessors)


def authors_of(row: Mapping[str, Any]) -> Authors:
    """Return the authors of an assessment."""
    return authors_read(row["authors"])


def has_right(
    actor: Actor, verb: AssessmentVerb, row: Mapping[str, Any], sheet: ScoreSheet
) -> bool:
    """Return whether the actor has the right to a verb, in any state.

    Nobody confirms what they, or another key of their unit, assessed; the office publishes.
    """
    if not assesses(actor, sheet):
        return False
    if verb == "publish":
        return actor.may(Permission.REVIEW_ANY_SUBMISSION)
    return verb != "confirm" or not authors_of(row).include(actor)


def allowed_actions(
    actor: Actor, row: Mapping[str, Any], sheet: ScoreSheet | None
) -> list[AssessmentVerb]:
    """Return the verbs that this actor may use now; none if the plan dropped the sheet."""
    if sheet is None:
        return []
    return [
        verb
        for verb in get_args(AssessmentVerb)
        if (row["state"], verb) in TRANSITIONS and has_right(actor, verb, row, sheet)
    ]


def new_columns(
    plan: PlanState,
    sheet: ScoreSheet,
    subject: AssessedSubject,
    period: str,
    *,
    assessment_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Return the columns of a new draft, except its authors and findings."""
    return {
        "city_code": plan.city_code,
        "id": assessment_id,
        "plan_code": plan.code,
        "sheet_code": sheet.code,
        "subject_kind": subject.kind,
        "subject_key": subject.key,
        "subject_name": subject.name,
        "organization_code": subject.organization_code,
        "comparable": subject.comparable,
        "period": period,
        "state": "draft",
        "revision": 0,
        "published_on": None,
        "appeal_until": None,
        "reason": None,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }


def image_of(row: Mapping[str, Any]) -> dict[str, object]:
    """Return what history stores of an assessment after a change."""
    published_on, appeal_until, reached = row["published_on"], row["appeal_until"], row["total"]
    return {
        "plan": row["plan_code"],
        "sheet": row["sheet_code"],
        "sheet_version": row["sheet_version"],
        "organization_code": row["organization_code"],
        "subject": row["subject_key"],
        "subject_name": row["subject_name"],
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "findings": row["findings"],
        "results": row["results"],
        "total": None if reached is None else plain(reached),
        "colour": row["colour"],
        "published_on": None if published_on is None else published_on.isoformat(),
        "appeal_until": None if appeal_until is None else appeal_until.isoformat(),
    }


def event_data(row: Mapping[str, Any]) -> dict[str, object]:
    """Return the data of an assessment in an event; with points once they are published."""
    published = row["state"] == "published"
    reached = {"total": None if row["total"] is None else plain(row["total"])}
    return {
        "sheet_code": row["sheet_code"],
        "sheet_version": row["sheet_version"],
        "organization_code": row["organization_code"],
        "subject_kind": row["subject_kind"],
        "subject_name": row["subject_name"],
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "version": row["version"],
        **({**reached, "colour": row["colour"]} if published else {}),
        **({"reason": row["reason"]} if row["reason"] else {}),
    }

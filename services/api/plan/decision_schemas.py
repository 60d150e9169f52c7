"""Pydantic schemas of decisions beside a plan: assigned targets and settled questions."""

from pydantic import BaseModel, Field

from services.api.plan.schemas import AssignedOut
from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Said, Words
from services.core.plan.document import ConditionKind, TargetKind
from services.core.plan.written import Day


class ConditionIn(Said):
    """One of the things that a target of the kinds `all_of` and `any_of` asks for."""

    kind: ConditionKind = Field(description="Any kind that a number is judged by")
    value: ExactDecimal | None = Field(default=None, description="The number to be reached")
    upper: ExactDecimal | None = Field(default=None, description="The other end of `between`")


class AssignmentIn(Said):
    """A target that the superior assigned: a value or words, and the document that says so."""

    kind: TargetKind = Field(
        description="`at_least`, `more_than`, `at_most`, `less_than`, `between` and `full_coverage`"
        " need a value; `between` needs `upper` too; `all_of` and `any_of` need `conditions`"
    )
    value: ExactDecimal | None = Field(default=None, description="The number to be reached")
    upper: ExactDecimal | None = Field(default=None, description="The other end of `between`")
    conditions: list[ConditionIn] = Field(
        default=[], max_length=10, description="What `all_of` and `any_of` ask for: two or more"
    )
    text: Words | None = Field(
        default=None, description="In the superior's words; needed where there is no value"
    )
    document_number: Words = Field(description="Number of the document that assigns it")
    document_date: Day = Field(description="Date of that document")
    attachment: Words | None = Field(default=None, description="Where the document can be read")


class AssignmentListOut(BaseModel):
    """Every target assigned to an indicator for a year, oldest first."""

    items: list[AssignedOut] = Field(description="Oldest first; the last counts")
    next_page_token: str | None = Field(description="Always null: the list is whole")


class DecisionIn(Said):
    """The decision on an open question, and the document that decided it."""

    decision: Words = Field(description="What was decided")
    document_number: Words = Field(description="Number of the document that decides it")
    document_date: Day = Field(description="Date of that document")

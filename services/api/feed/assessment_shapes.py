"""Schemas of the data of events about assessments by score sheets."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


def _said(text: str) -> Any:
    return Field(description=text)


_Unit = Annotated[str, _said("Code of the organization that it concerns")]
_Period = Annotated[str, _said("`2025`, `2025-H1`, `2025-Q3` or `2025-09`")]
_Version = Annotated[int, _said("Counts the changes of the thing: 1, 2, 3, …")]
_Reason = Annotated[str, _said("Why, in the words of whoever did it")]


class AssessmentData(TypedDict):
    """An assessment by a score sheet was begun, changed, confirmed or published."""

    sheet_code: Annotated[str, _said("Code of the score sheet")]
    sheet_version: Annotated[int, _said("The version of the sheet that it is judged by")]
    organization_code: _Unit
    subject_kind: Annotated[str, _said("What is assessed: `unit`, `village` or `row`")]
    subject_name: Annotated[str, _said("Its name")]
    period: _Period
    state: Annotated[str, _said("What it is from now on")]
    revision: Annotated[int, _said("Counts what was published of it; 0: nothing yet")]
    version: _Version
    total: NotRequired[Annotated[str | None, _said("Its total once published; null: none applies")]]
    colour: NotRequired[Annotated[str | None, _said("The colour of the total once published")]]
    reason: NotRequired[_Reason]


class AppealData(TypedDict):
    """A unit contests what was published of it; that was decided, or taken back."""

    sheet_code: Annotated[str, _said("Code of the score sheet")]
    assessment_id: Annotated[str, _said("Id of the assessment that it is against")]
    organization_code: _Unit
    subject_name: Annotated[str, _said("What was assessed")]
    period: _Period
    state: Annotated[str, _said("What it is from now on")]
    items: Annotated[list[str], _said("Codes of the items that are contested")]
    corrected_revision: Annotated[int | None, _said("What is published since; null: unchanged")]
    version: _Version
    reason: NotRequired[_Reason]

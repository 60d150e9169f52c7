"""The causes of a difference between two scores, as JSON: for drawn boards and for previews."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.actors import ActorOut
from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.core.kit.decimals import plain, total
from services.core.scoring.changes import IndicatorChange

_KINDS = ["value", "target", "rule", "period", "day", "plan", "method"]


class ChangeEventOut(BaseModel):
    """An event of the log that lies behind a change."""

    id: UUID = Field(description="Its id")
    position: int = Field(description="Its number in the log")
    type: str = Field(description="Such as `submission.approved`")
    occurred_at: datetime = Field(description="When it happened")
    actor: ActorOut = Field(description="Who did it")


class CauseOut(BaseModel):
    """A part of the difference and why it is there."""

    kind: Annotated[str, one_of(_KINDS)] = Field(
        description="A `value` approved or corrected, a `target` assigned or printed anew, a"
        " `rule` or weight changed, a `period` opened, closed or given another date, a `day` that"
        " passed, the `plan`'s groups or scheme, or the `method` of adding up of an older version"
    )
    points: Digits = Field(description="Its part of the difference, in points of the score, exact")
    events: list[ChangeEventOut] = Field(description="What was done, oldest first; a day has none")
    period: str | None = Field(default=None, description="Of which period the value is")
    organization_code: str | None = Field(default=None, description="Of which unit the value is")
    submission_id: UUID | None = Field(default=None, description="Id of the submission")
    revision: int | None = Field(default=None, description="The revision that came to count")
    more_values: int = Field(default=0, description="How many other values this part stands for")
    outside_scope: bool = Field(default=False, description="Another unit's: only points are told")


class ComparedStandingOut(BaseModel):
    """How an indicator stood on one of the two scoreboards."""

    state: str = Field(description="`scored` and `missing` count in the score, the others not")
    value: Digits | None = Field(description="The city's value, unrounded")
    attainment: Digits | None = Field(description="0–100")
    weight: Digits = Field(description="Its weight in the score")
    light: str = Field(description="Where it was heading")


class IndicatorChangeOut(BaseModel):
    """What of the difference one indicator made."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    group: str = Field(description="Code of its group")
    before: ComparedStandingOut | None = Field(description="How it stood; null: it was no part")
    after: ComparedStandingOut | None = Field(description="How it stands; null: it is no part")
    difference: Digits = Field(description="Its causes' points together")
    causes: list[CauseOut] = Field(description="In the order in which they are counted")


def indicator_change(one: IndicatorChange, causes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an indicator's part of a difference, as `IndicatorChangeOut` has it."""
    named = one.after or one.before or {}
    return {
        "code": one.code,
        "name": named["name"],
        "group": named["group"],
        "before": _standing(one.before),
        "after": _standing(one.after),
        "difference": plain(total([cause.points for cause in one.causes])),
        "causes": causes,
    }


def _standing(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row[name] for name in ("state", "value", "attainment", "weight", "light")}

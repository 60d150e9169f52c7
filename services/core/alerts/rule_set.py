"""The format of alert rules: data of a plan, with defaults until somebody changes them.

`alerts.stages` says what a stage is and when it is due; `alerts.escalation` whom each level
notifies, and when a notice may be sent. `alerts.statements.FINDINGS` leaves out what waits for the
morning.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.core.kit.errors import Fault
from services.core.kit.forms import form
from services.core.kit.said import Line, Said
from services.core.plan.document import PlanDocument
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_organizations
from services.core.plan.written import Code

Unit = Literal["working", "calendar"]
Function = Literal["clerk", "head", "deputy", "leader"]
Party = Literal["unit", "lead", "office"]
EscalationColour = Literal["blue", "orange", "red"]
RuleCode = Literal[
    "milestone_due",
    "milestone_sign",
    "milestone_answer",
    "milestone_closure",
    "report_due",
    "submission_review",
    "submission_answer",
    "extension_decision",
    "conflict_decision",
    "row_renewal",
    "row_recheck",
    "publicity_day",
    "target_missing",
    "light_red",
]
RULES: tuple[RuleCode, ...] = get_args(RuleCode)

NO_OFFICE = "office"
"""Stands for the office if the plan names none: it is no unit's code, so no unit is addressed."""

_LONGEST = 366
_MOST_LEVELS = 10
_STRICT_LEVEL = Field(ge=0, lt=_MOST_LEVELS, strict=True)
_LEAP_YEAR = 2000
EscalationLevel = Annotated[int, _STRICT_LEVEL]
Offset = Annotated[int, Field(ge=-_LONGEST, le=_LONGEST, strict=True)]
TimeOfDay = Annotated[
    str,
    form(
        r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "应为 24 小时制的时间，如 09:00",
        "Must be a time of day, such as 09:00",
    ),
]


def _fault(code: str, zh: str, en: str) -> PydanticCustomError:
    return PydanticCustomError(code, en, {"zh": zh})


class _Part(Said):
    model_config = ConfigDict(frozen=True)


class Stage(_Part):
    """A point before or after the due date at which somebody is told."""

    offset: Offset = Field(description="Days from the due date: -7 before, 0 on the day, 3 after")
    unit: Unit = Field(description="Whether they are working days or calendar days")

    @property
    def code(self) -> str:
        """The display code: `T-7`, `T0`, `O+3`."""
        return f"O+{self.offset}" if self.offset > 0 else f"T{self.offset or 0}"


class DeadlineRule(_Part):
    """When the deadlines of one sort are told of."""

    enabled: bool = Field(strict=True, description="A rule that is off tells nothing")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=20)] = Field(
        description="By ascending offset"
    )
    repeat_every: Annotated[int, Field(ge=1, le=_LONGEST, strict=True)] | None = Field(
        description="After the last stage it is told again every so many working days; null: not"
    )
    level: EscalationLevel | None = Field(
        description="A level for all stages; 0: in digests only; null: as the ladder says"
    )

    @field_validator("stages")
    @classmethod
    def _ascend(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        offsets = [stage.offset for stage in stages]
        if offsets != sorted(set(offsets)):
            raise _fault("stages_not_ascending", "阶段应按先后排列", "Stages ascend by offset")
        return stages

    @model_validator(mode="after")
    def _repeat_what_is_due(self) -> Self:
        if self.repeat_every is not None and self.stages[-1].offset < 0:
            raise _fault(
                "repeat_before_due",
                "最后阶段在到期之前，不能重复",
                "What ends before the due date is not repeated",
            )
        return self


class TargetRule(DeadlineRule):
    """When a target counts as missing that the superior has still to assign."""

    month: Annotated[int, Field(ge=1, le=12, strict=True)] = Field(
        description="Until this month and day of the target's year it is waited for"
    )
    day: Annotated[int, Field(ge=1, le=31, strict=True)] = Field(description="See `month`")

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        try:
            date(_LEAP_YEAR, self.month, self.day)
        except ValueError:
            raise _fault("no_such_day", "没有这一天", "There is no such day") from None
        return self

    def due_date(self, year: Period) -> date:
        """Return the due date of a year's target: the rule's day within that year."""
        last_of_february = self.month == 2 and self.day == 29  # noqa: PLR2004
        first = year.first_day
        at = first.year if self.month >= first.month else first.year + 1
        return date(at, self.month, 28 if last_of_february else self.day)


class LightRule(_Part):
    """Whether a light that turned red is told of, and at which level."""

    enabled: bool = Field(strict=True, description="A rule that is off tells nothing")
    level: EscalationLevel = Field(description="0: in digests only")


class Rules(_Part):
    """The rule of each sort of cause."""

    milestone_due: DeadlineRule = Field(description="A milestone by its due date")
    milestone_sign: DeadlineRule = Field(description="Accepting or declining what was assigned")
    milestone_answer: DeadlineRule = Field(description="Answering a milestone sent back")
    milestone_closure: DeadlineRule = Field(description="Grading a milestone reported complete")
    report_due: DeadlineRule = Field(description="A value owed for a period")
    submission_review: DeadlineRule = Field(description="Reviewing what was handed in")
    submission_answer: DeadlineRule = Field(description="Answering a value sent back")
    extension_decision: DeadlineRule = Field(description="Deciding on more time asked for")
    # Rules stored before this kind of conflict existed lack it.
    conflict_decision: DeadlineRule = Field(
        default=DeadlineRule(
            enabled=True,
            stages=(Stage(offset=-1, unit="working"), Stage(offset=1, unit="working")),
            repeat_every=5,
            level=None,
        ),
        description="Deciding on what another source says; default: a working day before and after",
    )
    # As with conflicts.
    row_renewal: DeadlineRule = Field(
        default_factory=lambda: DeadlineRule.model_validate(_RENEWAL),
        description="A row of a register that soon holds no more; default: from 60 days before",
    )
    row_recheck: DeadlineRule = Field(
        default_factory=lambda: DeadlineRule.model_validate(_RECHECK),
        description="A row of a register to be looked at again; default: from 30 days before",
    )
    publicity_day: DeadlineRule = Field(description="A publicity day coming up")
    target_missing: TargetRule = Field(description="A target still to be assigned")
    light_red: LightRule = Field(description="An indicator whose light turned red")


class Recipient(_Part):
    """Somebody by function, such as the head of the office."""

    of: Party = Field(description="The unit in charge, the lead of its measure, or the office")
    function: Function = Field(description="Which function in it")


class Rung(_Part):
    """A level of escalation: from which offset on, and who is told besides those below."""

    level: EscalationLevel = Field(description="0, 1, 2, … upwards; the last is the top")
    colour: EscalationColour | None = Field(description="The colour of the supervision slip")
    from_offset: Offset | None = Field(description="The first offset of this level; null: level 0")
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=20)] = Field(
        description="Who is told from here on"
    )


class Post(_Part):
    """Who fills a function in an organization: a position, not a person."""

    organization_code: Code = Field(description="The organization")
    function: Function = Field(description="The function")
    filled_by: Line = Field(description="The position or account, such as 局长")


class DeliveryHours(_Part):
    """When notices go out on a working day, in the plan's time zone; the top level waits not."""

    opens: TimeOfDay = Field(description="Such as `08:30`")
    closes: TimeOfDay = Field(description="Such as `18:00`")
    digest_at: TimeOfDay = Field(description="From when a unit is given its digest of the day")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.opens <= self.digest_at < self.closes:
            raise _fault(
                "window_order",
                "应为 opens ≤ digest_at < closes",
                "It must hold that opens <= digest_at < closes",
            )
        return self


class RuleSet(_Part):
    """The alert rules of a plan, whole."""

    rules: Rules = Field(description="What is told when")
    ladder: Annotated[tuple[Rung, ...], Field(min_length=1, max_length=_MOST_LEVELS)] = Field(
        description="The levels, lowest first"
    )
    office: Code = Field(description="The organization that is the leading group's office")
    posts: Annotated[tuple[Post, ...], Field(max_length=5000)] = Field(
        description="Who fills which function; what is not listed is told to the organization"
    )
    window: DeliveryHours = Field(description="When notices go out")
    acknowledge_days: Annotated[int, Field(ge=0, le=3, strict=True)] = Field(
        description="Working days by which an acknowledgement delays the next notice at most"
    )
    snooze_days: Annotated[int, Field(ge=1, le=30, strict=True)] = Field(
        description="Calendar days for which an alert may be snoozed at most"
    )

    @field_validator("ladder")
    @classmethod
    def _climb(cls, ladder: tuple[Rung, ...]) -> tuple[Rung, ...]:
        offsets = [rung.from_offset for rung in ladder[1:]]
        if [rung.level for rung in ladder] != list(range(len(ladder))):
            raise _fault("levels_not_counted", "级别应从 0 起依次递增", "Levels count up from 0")
        given = [offset for offset in offsets if offset is not None]
        if ladder[0].from_offset is not None or given != sorted(set(given)) or None in offsets:
            raise _fault(
                "ladder_not_ascending",
                "第 0 级不写 from_offset，其余依次递增",
                "Level 0 has no from_offset; those of the others ascend",
            )
        return ladder

    @model_validator(mode="after")
    def _within_the_ladder(self) -> Self:
        wanted = [getattr(self.rules, code).level for code in RULES]
        if any(level is not None and level >= len(self.ladder) for level in wanted):
            raise _fault(
                "level_not_on_ladder", "没有该级别", "A rule names a level that is not there"
            )
        return self

    @property
    def top_level(self) -> int:
        """The highest level: it ignores delivery hours, and no acknowledgement stops it."""
        return self.ladder[-1].level

    def level_of(self, offset: int) -> int:
        """Return the level of an offset from the due date, by the ladder."""
        return max(
            rung.level
            for rung in self.ladder
            if rung.from_offset is None or rung.from_offset <= offset
        )


def reference_faults(office: str | None, posts: Sequence[Post], plan: PlanState) -> list[Fault]:
    """Return a fault for each organization in the rules that the plan does not have."""
    named = [] if office is None or office == NO_OFFICE else [("/office", office)]
    named += [
        (f"/posts/{index}/organization_code", post.organization_code)
        for index, post in enumerate(posts)
    ]
    return unknown_organizations(plan, named)


def default_rules(document: PlanDocument) -> RuleSet:
    """Return the default rules of a plan: version 0."""
    return default_rules_of(document.supervision.office or NO_OFFICE)


def default_rules_of(office: str) -> RuleSet:
    """Return the default rules for a leading group's office."""
    return RuleSet.model_validate({**_DEFAULTS, "office": office})


def _stages(*offsets: int) -> list[dict[str, Any]]:
    """Return stages in working days; those a month ahead or more in calendar days."""
    month = -30
    return [
        {"offset": offset, "unit": "calendar" if offset <= month else "working"}
        for offset in offsets
    ]


def _rule(*offsets: int, repeat_every: int | None = 5, level: int | None = None) -> dict[str, Any]:
    return {
        "enabled": True,
        "stages": _stages(*offsets),
        "repeat_every": repeat_every,
        "level": level,
    }


def _told(of: Party, function: Function) -> dict[str, str]:
    return {"of": of, "function": function}


_RENEWAL: dict[str, Any] = _rule(-60, -30, -7, -1, 0, 1, 3, 7)
_RECHECK: dict[str, Any] = _rule(-30, -7, -1, 0, 1, 3, 7)
_TURN = _rule(-1, 1)
"""For somebody's turn: a review, a decision, an answer."""

_DEFAULTS: dict[str, Any] = {
    "rules": {
        "milestone_due": _rule(-30, -7, -1, 0, 1, 3, 7),
        "milestone_sign": _rule(0, 1, 3, repeat_every=None),
        "milestone_answer": _TURN,
        "milestone_closure": _TURN,
        "report_due": _rule(-5, -2, -1, 0, 1, 3, 7),
        "submission_review": _TURN,
        "submission_answer": _TURN,
        "extension_decision": _TURN,
        "conflict_decision": _TURN,
        "row_renewal": _RENEWAL,
        "row_recheck": _RECHECK,
        "publicity_day": _rule(-30, -7, repeat_every=None),
        "target_missing": {**_rule(1, repeat_every=20, level=0), "month": 3, "day": 31},
        "light_red": {"enabled": True, "level": 1},
    },
    "ladder": [
        {
            "level": 0,
            "colour": None,
            "from_offset": None,
            "recipients": [_told("unit", "clerk")],
        },
        {
            "level": 1,
            "colour": "blue",
            "from_offset": -1,
            "recipients": [_told("unit", "head"), _told("lead", "clerk")],
        },
        {
            "level": 2,
            "colour": "orange",
            "from_offset": 3,
            "recipients": [_told("unit", "deputy")],
        },
        {
            "level": 3,
            "colour": "red",
            "from_offset": 7,
            "recipients": [_told("office", "clerk"), _told("office", "head")],
        },
    ],
    "posts": [],
    "window": {"opens": "08:30", "closes": "18:00", "digest_at": "09:00"},
    "acknowledge_days": 3,
    "snooze_days": 30,
}

"""The format of a plan's scoring method: its parameters in the plan document."""

from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line
from services.core.plan.members import AttainmentRule, Entry, Sharing
from services.core.plan.written import Code


class Grade(Entry):
    """A grade and the score from which it is given."""

    code: Code
    name: Line
    minimum: ExactDecimal


class SelectionWeights(Entry):
    """The weight of an indicator that states none of its own."""

    mandatory: ExactDecimal
    optional: ExactDecimal
    self_selected: ExactDecimal


class Gate(Entry):
    """What stands beside the score: grades, caps and vetoes. Grades are listed best first."""

    grades: Annotated[tuple[Grade, ...], Field(min_length=1)]
    minimum_coverage: ExactDecimal
    mandatory_not_met_cap: Code | None = None
    falsified_grade: Code | None = None


class Lights(Entry):
    """From which pace a light is green and yellow; below yellow it is red."""

    green_pace: ExactDecimal
    yellow_pace: ExactDecimal
    provisional_green_to_yellow: bool = True


class Adjustment(Entry):
    """Points beside the score (扣分, 加分): so many for each occurrence, `cap` at the most.

    The occurrences are the value of an `indicator`, so they are reported, reviewed and traced
    as every value is.
    """

    code: Code
    name: Line
    kind: Literal["deduction", "bonus"]
    indicator: Code
    points: ExactDecimal
    cap: ExactDecimal
    text: Line | None = None


RankingForm = Literal["order", "tiers"]


class Rankings(Entry):
    """How units are ranked: in full order, or only in tiers, which are the grades of the gate.

    A place that rests upon fewer than `few` indicators, or values, is marked.
    """

    shown: RankingForm = "order"
    few: Annotated[int, Field(ge=1, le=100, strict=True)] = 3


class Scheme(Entry):
    """The scoring method as data: a rule by name with its parameters, and a version.

    `incomplete`: how a value counts that lacks an overdue part.
    `attainment`: by the rule, or all or nothing; `not_applicable`: how the weight of what does
    not apply is shared within its group; `bonus_cap`: the most that all bonuses add together;
    `grade_by`: whether grades go by the score, or by the score after deductions and bonuses.
    """

    name: Literal["completion-rate", "distance-to-target"]
    version: Code
    floor: ExactDecimal
    incomplete: Literal["missing", "not_assessable"] = "missing"
    display_places: Annotated[int, Field(ge=0, le=10, strict=True)] = 2
    attainment: AttainmentRule = "graded"
    not_applicable: Sharing = "proportional"
    adjustments: Annotated[tuple[Adjustment, ...], Field(max_length=100)] = ()
    bonus_cap: ExactDecimal | None = None
    grade_by: Literal["score", "adjusted_score"] = "score"
    weights: SelectionWeights
    gate: Gate
    lights: Lights
    rankings: Rankings = Rankings()

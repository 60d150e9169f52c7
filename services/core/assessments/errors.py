"""Refusals of score sheets and assessments."""

from services.core.kit.errors import (
    DomainError,
    Forbidden,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class ScoreSheetNotFound(NotFound):
    """The plan has no score sheet of this code, or none of this version."""

    code = "score-sheet-not-found"
    title = Text("计划中没有该评估细则", "The plan has no such score sheet")


class AssessmentNotFound(NotFound):
    """No assessment of this id lies within what the caller may see."""

    code = "assessment-not-found"
    title = Text("未找到该评估", "There is no such assessment")


class AssessmentExists(DomainError):
    """It was assessed by this sheet for this period; `assessment_id` names by what."""

    code = "assessment-exists"
    kind = RefusalKind.CONFLICT
    title = Text(
        "该对象本周期已有评估：请修改原有评估",
        "It is assessed by this sheet for this period: change that assessment",
    )


class OwnAssessment(Forbidden):
    """Nobody confirms what they, or another key of their unit, assessed."""

    code = "own-assessment"
    title = Text(
        "不能确认本人或本单位所作的评估，须由他人确认",
        "Nobody confirms what they or their unit assessed: somebody else has to",
    )


class AssessmentTransitionRefused(TransitionRefused):
    """The state of the assessment does not allow this action."""

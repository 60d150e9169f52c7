"""Refusals of plans."""

from services.core.kit.errors import (
    DomainError,
    InvalidInput,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class InvalidPlan(InvalidInput):
    """The plan document has faults; `errors` lists every one of them with its place."""

    code = "invalid-plan"
    title = Text("计划文档有误", "The plan document is not valid")


class PlanNotFound(NotFound):
    """No plan of this code lies within what the caller may see."""

    code = "plan-not-found"
    title = Text("未找到该计划", "There is no such plan")


class IndicatorNotFound(NotFound):
    """No indicator of the plan has this code."""

    code = "indicator-not-found"
    title = Text("计划中没有该指标", "The plan has no such indicator")


class TaskNotFound(NotFound):
    """No task of the plan has this number."""

    code = "task-not-found"
    title = Text("计划中没有该任务", "The plan has no such task")


class TaskAmbiguous(InvalidInput):
    """Several tasks have this number, one in each section: name the `section`."""

    code = "task-ambiguous"
    title = Text("几个部分都有此编号的任务", "Several sections have a task of this number")


class QuestionNotFound(NotFound):
    """No open question of the plan has this id."""

    code = "open-question-not-found"
    title = Text("计划中没有该待核实事项", "The plan has no such open question")


class QuestionSettled(DomainError):
    """A decision on the question stands already, and it is not changed."""

    code = "question-already-settled"
    kind = RefusalKind.CONFLICT
    title = Text("该事项已有决定", "The question was settled already")


class PublicationNotFound(NotFound):
    """Nothing was published under this number, or its scoreboard is not frozen yet."""

    code = "publication-not-found"
    title = Text("没有该编号的发布", "Nothing was published under this number")


class PeriodRefused(TransitionRefused):
    """The period's `state` does not allow this action; `allowed_actions` lists what it allows."""

    code = "period-transition-refused"
    title = Text("周期当前状态不允许此操作", "The period's state does not allow this action")


class TargetNotAssignable(DomainError):
    """The plan prints this target itself, so that the superior assigns none."""

    code = "target-not-assignable"
    kind = RefusalKind.CONFLICT
    title = Text("该指标的目标不由上级下达", "This target is not assigned by the superior")

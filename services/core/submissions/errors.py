"""Refusals of submissions."""

from services.core.kit.errors import DomainError, Forbidden, Kind, NotFound, TransitionRefused
from services.core.kit.text import Text


class SubmissionNotFound(NotFound):
    """There is no such submission within what the caller may see."""

    code = "submission-not-found"
    title = Text("未找到该填报", "There is no such submission")


class SubmissionExists(DomainError):
    """The place (indicator, organization, period) has its submission; `extra` holds its id."""

    code = "submission-exists"
    kind = Kind.CONFLICT
    title = Text("该指标、单位、周期已有填报", "This place has a submission already")


class PeriodClosed(DomainError):
    """The period takes no values: it is closed or published."""

    code = "period-closed"
    kind = Kind.CONFLICT
    title = Text("该周期已关闭", "The period is closed")


class PlanChanged(DomainError):
    """A new version of the plan came into force while the request was checked."""

    code = "plan-changed"
    kind = Kind.CONFLICT
    title = Text("计划刚刚更新，请重试", "The plan changed just now; try again")


class SubmissionTransitionRefused(TransitionRefused):
    """The submission's state does not allow this action."""


class NotYourOrganization(Forbidden):
    """The caller writes for its own unit only."""

    code = "not-your-organization"
    title = Text("只能为本单位填报", "You report for your own unit only")


class OwnReport(Forbidden):
    """Nobody approves what their own organization reported."""

    code = "own-report"
    title = Text("不能审核本单位上报的数据", "Nobody reviews what their own unit reported")

"""Errors that the submissions slice raises."""

from services.core.kit.errors import (
    DomainError,
    Forbidden,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class SubmissionNotFound(NotFound):
    """No submission of this id lies within what the caller may see."""

    code = "submission-not-found"
    title = Text("未找到该填报", "There is no such submission")


class SubmissionExists(DomainError):
    """Indicator, organization and period have their submission; `submission_id` names it."""

    code = "submission-exists"
    kind = RefusalKind.CONFLICT
    title = Text("该指标、单位、周期已有填报", "This place has a submission already")


class PeriodClosed(DomainError):
    """The `period` takes no values: it is closed or published, as `state` says."""

    code = "period-closed"
    kind = RefusalKind.CONFLICT
    title = Text("该周期已关闭", "The period is closed")


class PlanChanged(DomainError):
    """A new version of the plan came into force meanwhile; the request may be sent again."""

    code = "plan-changed"
    kind = RefusalKind.CONFLICT
    title = Text("计划刚刚更新，请重试", "The plan changed just now; try again")


class BatchRejected(DomainError):
    """A row of an atomic batch was rejected, so nothing is written; `items` says what of each."""

    code = "batch-rejected"
    kind = RefusalKind.INVALID
    title = Text("本批有行被拒绝，全部未写入", "A row was rejected, so nothing was written")


class BatchContended(DomainError):
    """Others wrote the same places over and over meanwhile; the request may be sent again."""

    code = "batch-contended"
    kind = RefusalKind.CONFLICT
    title = Text("同一些数据正被他人反复修改，请重试", "Others keep changing the same; try again")


class PreviewNotFound(NotFound):
    """It is not there, an hour old, committed already, or another credential's."""

    code = "preview-not-found"
    title = Text("未找到该预览", "There is no such preview")


class PreviewOutdated(DomainError):
    """What was previewed would not be written as it was; `moved` says what is another since."""

    code = "preview-outdated"
    kind = RefusalKind.CONFLICT
    title = Text("预览之后情况有变", "Something moved since the preview")


class SubmissionTransitionRefused(TransitionRefused):
    """The submission's state does not allow this action."""


class NotYourOrganization(Forbidden):
    """The caller reports for its own unit, and the body names another."""

    code = "not-your-organization"
    title = Text("只能为本单位填报", "You report for your own unit only")


class OwnReport(Forbidden):
    """The caller or its unit wrote this or handed it in, so somebody else has to review it."""

    code = "own-report"
    title = Text("不能审核本单位上报的数据", "Nobody reviews what their own unit reported")

"""Refusals of milestones."""

from services.core.kit.errors import Forbidden, NotFound, TransitionRefused
from services.core.kit.text import Text


class MilestoneNotFound(NotFound):
    """There is no such milestone within what the caller may see."""

    code = "milestone-not-found"
    title = Text("未找到该里程碑", "There is no such milestone")


class MilestoneTransitionRefused(TransitionRefused):
    """The milestone's state does not allow this action."""


class NotYourMeasure(Forbidden):
    """A lead assigns under the measures that its unit leads, to itself or to responsible units."""

    code = "not-your-measure"
    title = Text(
        "只能在本单位牵头的措施下向本单位或责任单位分派",
        "You assign under measures that you lead, to your unit or a responsible one",
    )


class OwnMilestone(Forbidden):
    """Nobody closes, returns or reopens what their own unit promised or handed in."""

    code = "own-milestone"
    title = Text("不能审核本单位的里程碑", "Nobody judges what their own unit promised")

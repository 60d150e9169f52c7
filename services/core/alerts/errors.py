"""Refusals of alerts."""

from services.core.kit.errors import Forbidden, NotFound, TransitionRefused
from services.core.kit.text import Text


class AlertNotFound(NotFound):
    """There is no such alert within what the caller may see."""

    code = "alert-not-found"
    title = Text("未找到该提醒", "There is no such alert")


class AlertTransitionRefused(TransitionRefused):
    """The alert's state does not allow this action."""


class NotYourAlert(Forbidden):
    """A unit answers for its own alerts; the office for all."""

    code = "not-your-alert"
    title = Text("只能答复本单位的提醒", "You answer your own unit's alerts only")


class TopLevelNotSnoozed(Forbidden):
    """An alert that has reached the top level is snoozed by the office alone."""

    code = "top-level-not-snoozed"
    title = Text("最高级别的提醒只能由办公室暂缓", "Only the office snoozes the top level")

"""Errors about observations."""

from services.core.kit.errors import NotFound, TransitionRefused
from services.core.kit.text import Text


class ObservationNotFound(NotFound):
    """No observation of this id lies within what the caller may see."""

    code = "observation-not-found"
    title = Text("未找到该观测值", "There is no such observation")


class ObservationWithdrawn(TransitionRefused):
    """The figure was taken back before."""

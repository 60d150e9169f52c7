"""Errors that the scoring slice raises."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class BoardNotFound(NotFound):
    """The end of a comparison is before the first scoreboard of the period; name a later one."""

    code = "scoreboard-not-found"
    title = Text("当时还没有该周期的得分板", "No scoreboard of this period had been drawn by then")

"""Errors that the board slice raises."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class BoardLinkNotFound(NotFound):
    """The plan has no link to its board of this id."""

    code = "board-link-not-found"
    title = Text("未找到该看板链接", "There is no such link to the board")

"""Errors about extensions."""

from services.core.kit.errors import (
    DomainError,
    Forbidden,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class ExtensionNotFound(NotFound):
    """There is no such extension within what the caller may see."""

    code = "extension-not-found"
    title = Text("未找到该延期申请", "There is no such extension")


class ExtensionWaiting(DomainError):
    """Another request for more time waits for its answer; `extension_id` names it."""

    code = "extension-waiting"
    kind = RefusalKind.CONFLICT
    title = Text("已有延期申请待批", "Another extension waits for its answer")


class ExtensionLimitReached(DomainError):
    """The plan grants no more extensions for one thing."""

    code = "extension-limit-reached"
    kind = RefusalKind.CONFLICT
    title = Text("延期次数已达上限", "No more extensions are granted for this")


class ExtensionNotPossible(DomainError):
    """The thing cannot be given more time now: it is done, or the day that was asked for is none.

    That day has passed, or the thing is due later by now.
    """

    code = "extension-not-possible"
    kind = RefusalKind.CONFLICT
    title = Text("该事项现在不能延期", "This cannot be extended now")


class ExtensionDecided(TransitionRefused):
    """The extension was decided or withdrawn before."""


class OwnExtension(Forbidden):
    """The caller, or its unit, asked for this extension itself: somebody else decides on it."""

    code = "own-extension"
    title = Text("不能审批本单位的延期申请", "Nobody decides on what their own unit asked for")

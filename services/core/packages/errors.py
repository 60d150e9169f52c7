"""Refusals of packages."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind
from services.core.kit.text import Text


class PeerNotFound(NotFound):
    """No other installation of that name is registered for the plan."""

    code = "package-peer-not-found"
    title = Text("该计划没有登记这个对方", "No such other installation is registered for the plan")


class PackageRefused(DomainError):
    """A carried file is not for us, not from whom it says, or does not come next."""

    code = "package-refused"
    kind = RefusalKind.CONFLICT
    title = Text("该文件不能导入", "The file is not taken in")


class TooManyPeers(DomainError):
    """The city has as many other installations registered as it may have."""

    code = "too-many-package-peers"
    kind = RefusalKind.CONFLICT
    title = Text("登记的对方数量已达上限", "The city has as many as it may have")

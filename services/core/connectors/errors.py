"""Errors that the connectors slice raises."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind, TransitionRefused
from services.core.kit.text import Text


class ConnectorNotFound(NotFound):
    """There is no such connector within what the caller may see."""

    code = "connector-not-found"
    title = Text("未找到该上报通道", "There is no such connector")


class ConnectorTransitionRefused(TransitionRefused):
    """The connector's state does not allow this action."""


class ConnectorUnprovisioned(DomainError):
    """The superior has given no credentials yet: set `app_id` and the secret first."""

    code = "connector-unprovisioned"
    kind = RefusalKind.CONFLICT
    title = Text(
        "上级尚未提供接入凭据：请先填写 app_id 和密钥",
        "The superior has given no credentials yet: set app_id and the secret first",
    )


class ConnectorUntested(DomainError):
    """Its settings were not tried since they changed; trying it shows what would be sent."""

    code = "connector-untested"
    kind = RefusalKind.CONFLICT
    title = Text(
        "设置变更后尚未试算：请先调用 test 查看将发送的内容",
        "Its settings were not tried since they changed: call test and look at what is sent",
    )


class TooManyConnectors(DomainError):
    """The city has as many connectors as it may have; change one that is not needed."""

    code = "too-many-connectors"
    kind = RefusalKind.CONFLICT
    title = Text("上报通道数量已达上限", "The city has as many connectors as it may have")

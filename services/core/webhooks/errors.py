"""Errors that the webhooks slice raises."""

from services.core.kit.errors import DomainError, NotFound, RefusalKind, TransitionRefused
from services.core.kit.text import Text


class EndpointNotFound(NotFound):
    """There is no such endpoint within what the caller may see."""

    code = "webhook-endpoint-not-found"
    title = Text("未找到该回调端点", "There is no such webhook endpoint")


class DeliveryNotFound(NotFound):
    """There is no such delivery to an endpoint that the caller may see."""

    code = "webhook-delivery-not-found"
    title = Text("未找到该投递", "There is no such webhook delivery")


class EndpointTransitionRefused(TransitionRefused):
    """The endpoint's state does not allow this action."""


class ScopeNotYours(DomainError):
    """The endpoint hears in another scope than the caller's, whose key is good no more.

    Enabling it takes it over, so only a key of the same role, organization and plan can.
    """

    code = "webhook-scope-not-yours"
    kind = RefusalKind.CONFLICT
    title = Text(
        "该端点属于另一权限范围，只能由相同角色、单位和计划的密钥启用",
        "The endpoint hears in another scope; a key of the same role, organization and plan"
        " can enable it",
    )


class TooManyEndpoints(DomainError):
    """The city has as many endpoints as it may have; one that is not needed can be deleted."""

    code = "too-many-webhook-endpoints"
    kind = RefusalKind.CONFLICT
    title = Text("回调端点数量已达上限", "The city has as many webhook endpoints as it may have")


class NothingToRotate(DomainError):
    """The robot signs nothing: the key in its URL is all there is."""

    code = "nothing-to-rotate"
    kind = RefusalKind.CONFLICT
    title = Text("该机器人没有签名密钥", "This robot has no secret to sign with")

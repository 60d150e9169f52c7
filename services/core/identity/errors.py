"""Errors that the identity slice raises."""

from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import DomainError, Forbidden, NotFound, RefusalKind
from services.core.kit.text import Text


class Unauthenticated(DomainError):
    """The request carries no credential, or one that is unknown, expired or revoked."""

    code = "unauthenticated"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("需要有效的凭据", "A valid credential is needed")


class KeyNotFound(NotFound):
    """No key of this id belongs to the caller's city."""

    code = "key-not-found"
    title = Text("未找到该密钥", "There is no such key")


class KeyBeyondOwn(Forbidden):
    """The key makes keys itself and may do more than the caller's: not the caller's to change."""

    code = "key-beyond-own"
    title = Text(
        "不能变更或停用权限更大的管理密钥",
        "A key that may do more than yours is not yours to change or end",
    )


class KeyRevoked(DomainError):
    """The key was revoked, for good; make another."""

    code = "key-revoked"
    kind = RefusalKind.CONFLICT
    title = Text("该密钥已吊销，请另建一个", "The key was revoked; make another")


class NetworkNotAllowed(Forbidden):
    """The key is good, and not from the network of this call; an administrator may add that one."""

    code = "network-not-allowed"
    title = Text("该密钥不能从此网络使用", "The key is not to be used from this network")

    actor: Actor | None = None
    """The actor of the key."""


class OrganizationNotFound(NotFound):
    """No organization of this code belongs to the caller's city."""

    code = "organization-not-found"
    title = Text("未找到该单位", "There is no such organization")


class CityNotFound(NotFound):
    """There is no such city within the caller's reach."""

    code = "city-not-found"
    title = Text("未找到该城市", "There is no such city")


def not_permitted(actor: Actor, permission: Permission) -> Forbidden:
    """Return the refusal that names what the caller lacks: another role, or a scope of its key."""
    if actor.role not in permission.roles:
        roles = sorted(permission.roles)
        return Forbidden(
            Text(
                f"当前角色为 {actor.role}；需要的角色：{'、'.join(roles)}",
                f"The role is {actor.role}; it takes one of: {', '.join(roles)}",
            )
        )
    return Forbidden(
        Text(
            f"密钥缺少权限范围 {permission.scope}，请管理员另发带有它的密钥",
            f"The key lacks the scope {permission.scope}: ask the administrator for one with it",
        )
    )


def takes(zh: str, en: str) -> Forbidden:
    """Return the refusal that says who may do something."""
    return Forbidden(Text(f"需要：{zh}", f"It takes {en}"))

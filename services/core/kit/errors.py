"""Errors that callers can act on: each has a stable code, and lists the faults of the input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from services.core.kit.text import Text


class RefusalKind(Enum):
    """The kind of a refusal; each interface maps it to its own protocol."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    CONFLICT = "conflict"
    GONE = "gone"
    PRECONDITION_FAILED = "precondition-failed"
    PRECONDITION_REQUIRED = "precondition-required"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where (JSON pointer), a stable code, why, and the value."""

    pointer: str
    code: str
    detail: Text
    value: object = None


@dataclass(eq=False)
class DomainError(Exception):
    """Base of all refusals. Subclasses set `code`, `kind` and `title`."""

    code: ClassVar[str]
    kind: ClassVar[RefusalKind]
    title: ClassVar[Text]

    detail: Text | None = None
    faults: Sequence[Fault] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


class InvalidInput(DomainError):
    """The input has faults; `errors` lists every one of them with its place."""

    code = "invalid-input"
    kind = RefusalKind.INVALID
    title = Text("输入有误", "The input is not valid")


class NotFound(DomainError):
    """Nothing of that name exists within what the caller may see."""

    code = "not-found"
    kind = RefusalKind.NOT_FOUND
    title = Text("未找到", "Not found")


class Forbidden(DomainError):
    """The caller may know of the thing and is not permitted to do this with it."""

    code = "forbidden"
    kind = RefusalKind.FORBIDDEN
    title = Text("没有权限", "Not permitted")


class TransitionRefused(DomainError):
    """The present `state` does not allow this action; `allowed_actions` lists what it allows."""

    code = "transition-refused"
    kind = RefusalKind.CONFLICT
    title = Text("当前状态不允许此操作", "The present state does not allow this action")


class Stale(DomainError):
    """It is no longer what `If-Match` names; `current` and `ETag` say what it is now."""

    code = "stale-version"
    kind = RefusalKind.PRECONDITION_FAILED
    title = Text("内容已被他人修改", "It changed since you read it")

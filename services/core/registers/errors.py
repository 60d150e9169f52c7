"""Refusals of registers."""

from services.core.kit.errors import (
    DomainError,
    Forbidden,
    NotFound,
    RefusalKind,
    TransitionRefused,
)
from services.core.kit.text import Text


class RegisterNotFound(NotFound):
    """The plan has no register of this code."""

    code = "register-not-found"
    title = Text("计划中没有该台账", "The plan has no such register")


class RegisterRowNotFound(NotFound):
    """No row of this id lies within what the caller may see."""

    code = "register-row-not-found"
    title = Text("未找到该台账行", "There is no such row of a register")


class RegisterRowExists(DomainError):
    """A row that stands has this key; `row_id` names it where the caller may see it."""

    code = "register-row-exists"
    kind = RefusalKind.CONFLICT
    title = Text(
        "台账中已有主键相同的行：请修改该行",
        "A row with this key stands in the register: change that one",
    )


class OwnRow(Forbidden):
    """Nobody confirms what they, or another key of their unit, wrote."""

    code = "own-row"
    title = Text(
        "不能确认本人或本单位填写的行，须由他人确认",
        "Nobody confirms what they or their unit wrote: somebody else has to",
    )


class RegisterRowTransitionRefused(TransitionRefused):
    """The row's state does not allow this action, or the plan does not know this end of a row."""


class QuotaFull(DomainError):
    """As many rows of this category are confirmed as were assigned, and the plan takes no more."""

    code = "quota-full"
    kind = RefusalKind.CONFLICT
    title = Text(
        "该类别的名额已满，计划规定不得超出",
        "As many rows of this category count as are wanted, and the plan takes no more",
    )

"""Errors about partners and about the requests that they sign."""

from datetime import datetime, timedelta

from services.core.kit.errors import DomainError, Forbidden, NotFound, RefusalKind
from services.core.kit.text import Text


class SignatureMissing(DomainError):
    """What a signed request carries is not all there; the answer names what is missing."""

    code = "signature-missing"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("缺少签名所需内容", "What proves the request is missing")


class SignatureLate(DomainError):
    """The time that was signed is too far from ours; set the clock, and sign anew."""

    code = "signature-late"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("签名时间超出允许范围", "The signed time is out of bounds")


class SignatureWrong(DomainError):
    """No partner of ours that signs so has signed this: another secret, or another text."""

    code = "signature-wrong"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text(
        "签名不符：请核对身份标识、密钥和待签文本",
        "The signature is wrong: look at the id, the secret and the text that is signed",
    )


class SignatureReplayed(DomainError):
    """This request was let in before; sign a repeat anew, with the same `request_id`."""

    code = "signature-replayed"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text(
        "该签名已使用过；重发请重新签名，并保持 request_id 不变",
        "The signature was used before: sign a repeat anew, with the same request_id",
    )


class SmNotInstalled(DomainError):
    """The profile needs SM2, for which this installation lacks the optional program."""

    code = "sm-not-installed"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "本部署未安装国密组件（可选组件 sm），不能使用国密信封",
        "This installation lacks the optional extra `sm`, which the SM envelope needs",
    )


class InterfaceNotAllowed(Forbidden):
    """The partner may not call this operation; whoever keeps its settings may add it."""

    code = "interface-not-allowed"
    title = Text("该对接方不能调用此接口", "The partner may not call this operation")


class PartnerNotFound(NotFound):
    """No partner of this id is in the caller's reach."""

    code = "partner-not-found"
    title = Text("未找到该对接方", "There is no such partner")


class PartnerRevoked(DomainError):
    """The partner was revoked, for good; make another."""

    code = "partner-revoked"
    kind = RefusalKind.CONFLICT
    title = Text("该对接方已停用，请另建一个", "The partner was revoked; make another")


class TooManyPartners(DomainError):
    """The city has as many partners as it may have; remove one first."""

    code = "too-many-partners"
    kind = RefusalKind.CONFLICT
    title = Text("对接方数量已达上限", "There are as many partners as may be")


def clock_said(refusal: type[SignatureLate], window: timedelta, now: datetime) -> SignatureLate:
    """Return the refusal of a signed time, with our time and the tolerance."""
    seconds = int(window.total_seconds())
    shown = now.isoformat(timespec="seconds")
    return refusal(
        Text(
            f"签名时间与本系统时间（{shown}）相差不得超过 {seconds} 秒；请校准时钟",
            f"The signed time may be {seconds} s from ours ({shown}): set the clock",
        )
    )

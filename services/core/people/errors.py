"""Errors about people, posts and sign-ins."""

from services.core.kit.errors import DomainError, Forbidden, NotFound, RefusalKind
from services.core.kit.text import Text


class SignInRefused(DomainError):
    """No such user, a wrong password or code, a lock, or an end: which of these is never told."""

    code = "sign-in-refused"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text(
        "用户名、密码或验证码不正确，或暂时不能登录",
        "The user name, the password or the code is wrong, or signing in is not possible now",
    )


class SignInBusy(DomainError):
    """So many sign-ins wait already as may; send it again after `Retry-After` seconds."""

    code = "sign-in-busy"
    kind = RefusalKind.TOO_MANY
    title = Text("登录人数过多，请稍后重试", "Too many sign-ins at once; try again soon")


class SecondFactorNeeded(DomainError):
    """The user has a second factor; send the password once more, with a code of it."""

    code = "second-factor-needed"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("请一并填写动态验证码", "A code of the second factor is needed")


class SecondFactorRequired(Forbidden):
    """Posts of administrators are used with a second factor only, and the user has none yet."""

    code = "second-factor-required"
    title = Text(
        "管理员岗位须先设置动态验证码（POST /v1/sign-in/second-factor）",
        "Administrators set up a second factor first: POST /v1/sign-in/second-factor",
    )


class ChoosePost(DomainError):
    """The user holds several posts; `posts` lists them, and `post_id` names the one to act as."""

    code = "choose-post"
    kind = RefusalKind.CONFLICT
    title = Text(
        "担任多个岗位，请用 post_id 选择一个", "Several posts are held; choose one by post_id"
    )


class NoPost(Forbidden):
    """The user holds no post today; the security administrator hands posts over."""

    code = "no-post"
    title = Text("目前没有担任任何岗位", "No post is held at present")


class Reauthenticate(DomainError):
    """The session has ended, or nobody here gave this refresh token: sign in again."""

    code = "reauthenticate"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("会话已结束，请重新登录", "The session has ended; sign in again")


class InvitationRefused(DomainError):
    """The invitation is unknown, used or too old; the security administrator gives another."""

    code = "invitation-refused"
    kind = RefusalKind.UNAUTHENTICATED
    title = Text("邀请码无效或已过期", "The invitation is not good, or not any more")


class UserNotFound(NotFound):
    """No user of this id belongs to the caller's city."""

    code = "user-not-found"
    title = Text("未找到该用户", "There is no such user")


class PostNotFound(NotFound):
    """No post of this id belongs to the caller's city."""

    code = "post-not-found"
    title = Text("未找到该岗位", "There is no such post")


class SessionNotFound(NotFound):
    """No session of this id is the caller's, or of the security administrator's city."""

    code = "session-not-found"
    title = Text("未找到该会话", "There is no such session")


class UserEnded(DomainError):
    """The user has left, for good; make another."""

    code = "user-ended"
    kind = RefusalKind.CONFLICT
    title = Text("该用户已停用，请另建一个", "The user has left; make another")


class UserNotEnded(DomainError):
    """Only a user who has left is erased: end it first."""

    code = "user-not-ended"
    kind = RefusalKind.CONFLICT
    title = Text("请先停用该用户", "End the user first")


class OwnPost(Forbidden):
    """Nobody hands himself a post, or ends, invites or erases himself: another one does."""

    code = "own-post"
    title = Text("不能对本人进行此操作", "Nobody does this for himself")


class SignInNotProvisioned(DomainError):
    """No provider of this code is set up here, as none is where Wufei is new; use the password."""

    code = "sign-in-not-provisioned"
    kind = RefusalKind.CONFLICT
    title = Text(
        "该登录方式未接入，请用用户名和密码登录",
        "Signing in by this app is not set up here: use name and password",
    )


class ProviderUnavailable(DomainError):
    """The app cannot be asked now, or cannot be believed; its code may be used up."""

    code = "sign-in-provider-unavailable"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "暂时不能通过该应用登录，请稍后重新取码，或用用户名和密码登录",
        "Signing in by this app is not possible now: get another code later, or use the password",
    )


class AccountTaken(DomainError):
    """Somebody else has linked this account; a security administrator unlinks it from them."""

    code = "account-taken"
    kind = RefusalKind.CONFLICT
    title = Text("该账号已关联其他用户", "The account is linked to another user")


class ProviderNotFound(NotFound):
    """No provider of this id belongs to the caller's city."""

    code = "sign-in-provider-not-found"
    title = Text("未找到该登录方式", "There is no such provider")


class ProviderEnded(DomainError):
    """The provider has ended, for good; set up another."""

    code = "sign-in-provider-ended"
    kind = RefusalKind.CONFLICT
    title = Text("该登录方式已停用，请另建一个", "The provider has ended; set up another")


class TooManyProviders(DomainError):
    """The city has as many providers as it may have; end one first."""

    code = "too-many-sign-in-providers"
    kind = RefusalKind.CONFLICT
    title = Text("登录方式数量已达上限", "There are as many providers as may be")

"""The cases of `wufei gateway check`: each request, and its right answer. Pure."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.core.gateways.profiles import Profile, SignedPart
from services.core.gateways.signing import Call, body_of, sign
from services.core.gateways.sm_envelope import SmKeys, new_pair, sealed
from services.core.kit.text import Text

LET_IN = "let-in"
"""The answer to a request that is not refused for its signature."""

_LATE, _WRONG, _AGAIN, _MISSING = (
    f"signature-{how}" for how in ("late", "wrong", "replayed", "missing")
)
_MARGIN = timedelta(seconds=10)
"""The clock difference for which cases at the edge of the window still work."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Signs as a partner, at its clock's time."""

    profile: Profile
    partner: str
    secret: bytes = field(repr=False)
    operation: str
    plan: str
    now: Callable[[], datetime]
    sm_keys: SmKeys | None = None
    """For an envelope: the partner's private key, and the installation's public one."""

    def call(
        self,
        *,
        ahead: timedelta = timedelta(),
        secret: bytes | None = None,
        partner: str | None = None,
        nonce: str | None = None,
    ) -> Call:
        """Return a request, signed by `ahead` in the future."""
        media_type, body = body_of(self.profile, {"plan": self.plan})
        if self.sm_keys is not None:
            body = self.envelope(self.sm_keys, ahead)
        return sign(
            self.profile,
            Call("POST", f"/gw/v1/{self.operation}", {"content-type": media_type}, "", body),
            partner=partner or self.partner,
            secret=self.secret if secret is None else secret,
            now=self.now() + ahead,
            nonce=nonce or secrets.token_hex(8),
            interface=self.operation,
        )

    def envelope(self, keys: SmKeys, ahead: timedelta = timedelta()) -> bytes:
        """Return the body of a request in its envelope, made by `ahead` in the future."""
        at = int((self.now() + ahead).timestamp())
        return sealed({"plan": self.plan}, keys, timestamp=at)


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that are sent one after the other, and the expected answer to the last."""

    name: Text
    expected: Sequence[str]
    make: Callable[[Maker], Sequence[Call]]


def cases(profile: Profile) -> Iterator[Case]:
    """Yield the cases of a profile."""
    yield Case(Text("签名正确", "signed right"), [LET_IN], lambda maker: [maker.call()])
    yield from _IN_TIME
    yield from _NOT_OURS
    if SignedPart.NONCE in profile.places:
        yield Case(
            Text("随机数用过，时间不同", "a used nonce at another time"),
            [_AGAIN],
            lambda maker: [maker.call(nonce=nonce) for nonce in [secrets.token_hex(8)] * 2],
        )
    yield from _altered(profile)
    if profile.envelope:
        yield from _ENVELOPES


_IN_TIME = (
    Case(
        Text("同一请求重发", "the same request again"),
        [_AGAIN],
        lambda maker: [maker.call()] * 2,
    ),
    Case(
        Text("稍早于时限", "a little within the window"),
        [LET_IN],
        lambda maker: [maker.call(ahead=_MARGIN - maker.profile.window)],
    ),
    Case(
        Text("过时", "too late"),
        [_LATE],
        lambda maker: [maker.call(ahead=-maker.profile.window - _MARGIN)],
    ),
    Case(
        Text("时间在将来", "too early"),
        [_LATE],
        lambda maker: [maker.call(ahead=maker.profile.window + _MARGIN)],
    ),
)
_NOT_OURS = (
    Case(
        Text("另一个密钥", "another secret"),
        [_WRONG],
        lambda maker: [maker.call(secret=secrets.token_bytes(16).hex().encode())],
    ),
    Case(
        Text("不认识的身份标识", "an unknown partner"),
        [_WRONG],
        lambda maker: [maker.call(partner=maker.partner[:-4] + "0000")],
    ),
    Case(
        Text("没有签名", "not signed"),
        [_MISSING],
        lambda maker: [Call("POST", f"/gw/v1/{maker.operation}", body=b"{}")],
    ),
)


def _in_envelope(
    made: Callable[[Maker, SmKeys], bytes],
) -> Callable[[Maker], Sequence[Call]]:
    """Return a maker of a valid request with another body."""

    def make(maker: Maker) -> Sequence[Call]:
        assert maker.sm_keys is not None  # noqa: S101 (the command has asked for it)
        return [replace(maker.call(), body=made(maker, maker.sm_keys))]

    return make


def _flipped(maker: Maker, keys: SmKeys) -> bytes:
    """Return an envelope with an altered digit of the ciphertext."""
    body = maker.envelope(keys)
    place = body.index(b'"encData":"') + len(b'"encData":"')
    digit = b"0" if body[place : place + 1] != b"0" else b"1"
    return body[:place] + digit + body[place + 1 :]


_ENVELOPES = (
    Case(
        Text("信封内容被改", "the envelope altered"),
        [_WRONG],
        _in_envelope(_flipped),
    ),
    Case(
        Text("另一个国密私钥签的信封", "signed by another key of SM2"),
        [_WRONG],
        _in_envelope(lambda maker, keys: maker.envelope(replace(keys, private_key=new_pair()[0]))),
    ),
    Case(
        Text("旧信封", "an old envelope"),
        [_LATE],
        _in_envelope(lambda maker, keys: maker.envelope(keys, -maker.profile.window - _MARGIN)),
    ),
    Case(
        Text("没有信封", "no envelope"),
        [_WRONG],
        _in_envelope(lambda maker, _: body_of(maker.profile, {"plan": maker.plan})[1]),
    ),
)


def _altered(profile: Profile) -> Iterator[Case]:
    """Yield cases of a request altered in transit, in each part that the profile signs."""
    if profile.signs_all or profile.takes_form:
        yield Case(Text("内容被改", "the body altered"), [_WRONG], lambda maker: [_body(maker)])
        yield Case(Text("路径被改", "the path altered"), [_WRONG], lambda maker: [_path(maker)])
    if SignedPart.QUERY in profile.signed:
        yield Case(
            Text("查询参数被加", "a query added"),
            [_WRONG],
            lambda maker: [replace(maker.call(), query="page=1")],
        )
    if SignedPart.INTERFACE in profile.signed:
        yield Case(
            Text("改调另一接口", "sent to another operation"),
            ["interface-not-allowed"],
            lambda maker: [_path(maker)],
        )


def _body(maker: Maker) -> Call:
    call = maker.call()
    return replace(call, body=call.body.replace(b"plan", b"Plan", 1))


def _path(maker: Maker) -> Call:
    other = "list_late" if maker.operation != "list_late" else "get_scoreboard"
    return replace(maker.call(), path=f"/gw/v1/{other}")

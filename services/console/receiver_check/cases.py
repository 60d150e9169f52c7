"""The cases of `wufei webhook check`: deliveries, right answers, and what others mean."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.console.receiver_check.deliveries import Delivery, Maker
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.webhooks.signing import SigningKey, new_key

Expected = Literal["taken", "refused", "answered"]
"""2xx; 4xx; any answer but a server error."""

_TOO_FAR_SECONDS = (301, 310)
"""Beyond the tolerance of 300; the second also if the two clocks differ slightly."""

_NEAR_SECONDS = 240
_LARGE = 256 * 1024
_TOO_LARGE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """Deliveries that are sent one after the other, the expected answers, and the reason.

    `means` explains another answer. `until_refused`: the first refusal decides. `may_cut`: a broken
    connection counts as a refusal. `slowly`: the body of the first is sent in two halves, and the
    second delivery between them.
    """

    name: Text
    expected: Expected
    make: Callable[[Maker], Sequence[Delivery]]
    means: Text
    until_refused: bool = False
    may_cut: bool = False
    slowly: bool = False


def cases(key: SigningKey) -> Iterator[Case]:
    """Yield the cases for a receiver with a key."""
    yield Case(
        Text(f"{key.kind} 签名正确", f"signed with {key.kind}"),
        "taken",
        lambda maker: [maker.delivery()],
        Text(
            "正确的投递被拒：核对密钥、原始字节和签名内容",
            "what is right is refused: check the secret, the raw bytes and the signed content",
        ),
    )
    yield from _RIGHT
    yield from _LATE
    yield from _FORGED
    yield from _MALFORMED
    yield from _CONTENT
    yield from _HEAVY


def _rotation(maker: Maker, *, ours_first: bool) -> Sequence[Delivery]:
    other = new_key(maker.key.kind)
    keys = (maker.key, other) if ours_first else (other, maker.key)
    return [maker.again(maker.delivery(), *keys)]


def _unknown_version_first(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery()
    return [right.signed_as(b"v9,AAAA " + right.signature)]


def _odd_bytes(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery("webhook.test", data={"note": "无废"})
    message_id = right.headers["webhook-id"].decode()
    event = json.dumps(json.loads(right.body), indent=1).replace(": ", " :\t") + "\n"
    return [maker.of(event.encode(), message_id=message_id)]


def _types(maker: Maker) -> Sequence[Delivery]:
    of_indicator = {"indicator_code": "U08", "organization_code": "UN15", "period": "2025"}
    told: dict[str, dict[str, object]] = {
        "submission.approved": {**of_indicator, "revision": 1, "version": 2, "state": "approved"},
        "score.updated": {"period": "2025", "basis": "approved", "indicators": ["U08"]},
        "alert.raised": {"stage": "T-1", "level": 1, "seq": 1},
        "wufei.of_tomorrow": {"unknown": [{"member": None}]},
    }
    return [maker.delivery(type_, data=data) for type_, data in told.items()]


def _out_of_order(maker: Maker) -> Sequence[Delivery]:
    older, newer = maker.delivery(), maker.delivery()
    return [newer, older]


def _repeated(maker: Maker) -> Sequence[Delivery]:
    first = maker.delivery()
    return [first, maker.again(first, maker.key), maker.again(first, maker.key)]


_RIGHT = (
    Case(
        Text("轮换：两个签名，本方在后", "rotation: two signatures, ours the second"),
        "taken",
        lambda maker: _rotation(maker, ours_first=False),
        Text(
            "只看了第一个签名：轮换期间会拒收",
            "only the first signature is looked at: deliveries fail during a rotation",
        ),
    ),
    Case(
        Text("轮换：两个签名，本方在前", "rotation: two signatures, ours the first"),
        "taken",
        lambda maker: _rotation(maker, ours_first=True),
        Text(
            "要求每个签名都相符：轮换期间会拒收",
            "every signature has to fit: deliveries fail during a rotation",
        ),
    ),
    Case(
        Text("未知版本的签名在前", "a signature of an unknown version first"),
        "taken",
        _unknown_version_first,
        Text("未知版本应跳过，不应拒收", "a version that is unknown is to be skipped, not refused"),
    ),
    Case(
        Text("写法不寻常的字节", "bytes that a parser would write otherwise"),
        "taken",
        _odd_bytes,
        Text(
            "验签用的是重新序列化的内容：须用收到的原始字节",
            "what was parsed is written again and verified: verify the raw bytes as they came",
        ),
    ),
    Case(
        Text("多种事件，含未知类型", "several types of events, one unknown"),
        "taken",
        _types,
        Text(
            "事件类型会增加：不认识的类型和字段应略过并回 2xx",
            "types and members are added at any time: pass over what is unknown with 2xx",
        ),
    ),
    Case(
        Text("序号较小的后到", "an older position after a newer one"),
        "taken",
        _out_of_order,
        Text(
            "不保证到达顺序：后到的也要回 2xx，只是不覆盖较新的",
            "order is not promised: take what comes late too, without overwriting what is newer",
        ),
    ),
    Case(
        Text("同一编号重复三次", "the same id three times"),
        "taken",
        _repeated,
        Text(
            "重复的应回 2xx 且不再处理，否则会一直重试",
            "a repeat is answered 2xx without acting again; a refused one is retried for days",
        ),
    ),
    Case(
        Text("两端时钟相差 240 秒", "clocks 240 s apart, both ways"),
        "taken",
        lambda maker: [
            maker.again(maker.delivery(), maker.key, offset=offset)
            for offset in (-_NEAR_SECONDS, _NEAR_SECONDS)
        ],
        Text(
            "容许的时差应为前后 300 秒；或接收方时钟不准",
            "the tolerance is 300 s to both sides; or the receiver's clock is wrong",
        ),
    ),
)


def _too_far(maker: Maker, sign: int) -> Sequence[Delivery]:
    return [maker.delivery(offset=sign * seconds) for seconds in _TOO_FAR_SECONDS]


_LATE = (
    Case(
        Text("过时（301 秒前签名）", "late: signed 301 s ago"),
        "refused",
        lambda maker: _too_far(maker, -1),
        Text(
            "不检查时间：截获的旧投递可以再次提交",
            "the time is not checked: a recorded delivery can be played again later",
        ),
        until_refused=True,
    ),
    Case(
        Text("超前（301 秒后签名）", "early: signed 301 s ahead"),
        "refused",
        lambda maker: _too_far(maker, 1),
        Text(
            "只检查了过时，未检查超前",
            "only the past is checked: a time in the future is to be refused too",
        ),
        until_refused=True,
    ),
)


def _changed_body(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery()
    return [replace(right, body=right.body.replace(b":", b": ", 1))]


def _other_secret(maker: Maker) -> Sequence[Delivery]:
    return [maker.again(maker.delivery(), new_key(maker.key.kind))]


def _other_timestamp(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery()
    before = maker.again(right, maker.key, offset=-60)
    return [right.signed_as(before.signature)]


def _cut_signature(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery()
    return [right.signed_as(right.signature[:length]) for length in (-1, -20, 4)]


def _unknown_version(maker: Maker) -> Sequence[Delivery]:
    right = maker.delivery()
    value = right.signature.partition(b",")[2]
    return [right.signed_as(version + b"," + value) for version in (b"v2", b"", b"v10")]


_NOT_VERIFIED = Text(
    "没有验签：谁都可以伪造事件",
    "it is not verified: anybody who reaches the URL can invent events",
)
_FORGED = (
    Case(
        Text("内容被改动一个字节", "a body with one byte changed"),
        "refused",
        _changed_body,
        _NOT_VERIFIED,
    ),
    Case(Text("用别的密钥签名", "another secret"), "refused", _other_secret, _NOT_VERIFIED),
    Case(
        Text("编号被换", "another id"),
        "refused",
        lambda maker: [maker.delivery().with_("webhook-id", str(new_id()).encode())],
        Text(
            "签名未包含编号：同一投递换个编号即可再次生效",
            "the id is not signed: with a new id a recorded delivery works once more",
        ),
    ),
    Case(
        Text("时间被换", "another timestamp"),
        "refused",
        _other_timestamp,
        Text(
            "签名未包含时间：旧投递换个时间即可再次提交",
            "the time is not signed: with a new time a recorded delivery can be played again",
        ),
    ),
    Case(
        Text("没有签名", "no signature"),
        "refused",
        lambda maker: [maker.delivery().signed_as(None)],
        _NOT_VERIFIED,
    ),
    Case(
        Text("空签名", "an empty signature"),
        "refused",
        lambda maker: [maker.delivery().signed_as(value) for value in (b"", b"v1,", b"v1a,")],
        Text("空签名被当作相符", "nothing is taken for a signature that fits"),
    ),
    Case(
        Text("签名只有前一部分", "only the beginning of the signature"),
        "refused",
        _cut_signature,
        Text("只比较了签名的一部分", "only a part of the signature is compared"),
    ),
    Case(
        Text("只有未知版本的签名", "only signatures of unknown versions"),
        "refused",
        _unknown_version,
        Text("没有看签名的版本", "the version before the comma is not looked at"),
    ),
)

_BREAKS = Text(
    "读不懂的标头应回 400 或 401，不应出错也不应接收",
    "headers that cannot be read are refused with 400 or 401, neither taken nor tripped over",
)


def _bad_timestamps(maker: Maker) -> Sequence[Delivery]:
    values = (b"", b"now", b"-1", b"1e10", b"1614265330.5", b"0x60", b"9" * 1000, b"\xd9\xa1")
    return [maker.delivery().with_("webhook-timestamp", value) for value in values]


def _bad_signatures(maker: Maker) -> Sequence[Delivery]:
    values = (b"garbage", b",,  ,", b"v1,***", b"v1,a", b"v1,\xff\xfe", b"v1a,AAAA", b"v1," * 500)
    return [maker.delivery().signed_as(value) for value in values]


_MALFORMED = (
    Case(
        Text("没有编号", "no id"),
        "refused",
        lambda maker: [maker.delivery().with_("webhook-id", None)],
        _BREAKS,
    ),
    Case(
        Text("没有时间", "no timestamp"),
        "refused",
        lambda maker: [maker.delivery().with_("webhook-timestamp", None)],
        _BREAKS,
    ),
    Case(Text("时间不是数字", "timestamps that are none"), "refused", _bad_timestamps, _BREAKS),
    Case(Text("签名读不懂", "signatures that are none"), "refused", _bad_signatures, _BREAKS),
)

_CONTENT = (
    Case(
        Text("签名正确，内容不是事件", "signed, but no event"),
        "answered",
        lambda maker: [maker.of(body) for body in (b"", b"{", b"[]", b'{"type": 1}', b"\xff")],
        Text(
            "读不懂的内容使接收方出错，会一直重试",
            "a body that cannot be read makes the receiver fail, and is retried for days",
        ),
    ),
    Case(
        Text("伪造且难以解析的内容", "forged, and hard to parse"),
        "refused",
        lambda maker: [replace(maker.delivery(), body=body) for body in (b"\xff\xfe", b"[" * 9999)],
        Text(
            "未验签就解析：先验签再解析",
            "the body is parsed before it is verified: verify first",
        ),
    ),
)


def _slow_and_another(maker: Maker) -> Sequence[Delivery]:
    other = maker.delivery()
    return [maker.delivery(), other]


_HEAVY = (
    Case(
        Text("内容 256 KiB", "a body of 256 KiB"),
        "taken",
        lambda maker: [maker.delivery(data={"note": "无" * (_LARGE // 3)})],
        Text(
            "大小限制太低：至少应收 256 KiB",
            "the limit is too low: at least 256 KiB are to be taken",
        ),
    ),
    Case(
        Text("伪造的内容 8 MiB", "a forged body of 8 MiB"),
        "refused",
        lambda maker: [replace(maker.delivery(), body=bytes(_TOO_LARGE))],
        _NOT_VERIFIED,
        may_cut=True,
    ),
    Case(
        Text("一个投递很慢，同时另有投递", "another while one is slow"),
        "taken",
        _slow_and_another,
        Text(
            "一个慢连接挡住了其他投递",
            "one slow connection keeps all others waiting, or a body in pieces is not taken",
        ),
        slowly=True,
    ),
    Case(
        Text("最后再来一个正确的", "a right one at the end"),
        "taken",
        lambda maker: [maker.delivery()],
        Text("前面的某个投递使接收方停了", "something before has brought the receiver down"),
    ),
)

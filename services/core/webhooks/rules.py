"""Rules for endpoints: address, headers, filters, visibility, and allowed actions. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlsplit
from uuid import UUID

from services.core.events.catalogue import type_faults
from services.core.identity.actor import Actor
from services.core.identity.unknown import unknown_organization
from services.core.kit.errors import Fault
from services.core.kit.faults import pointer
from services.core.kit.nearest import with_closest
from services.core.kit.text import Text
from services.core.webhooks.addresses import AddressPolicy, Misfit, TargetUrl, check_url, read_url
from services.core.webhooks.signing import SecretKind, SigningKey, new_key, read_key

Format = Literal["standard", "dingtalk", "wecom", "feishu"]
EndpointState = Literal["active", "failing", "disabled"]
StateReason = Literal["gone", "failing", "manual", "scope-lost"]
DeliveryState = Literal["pending", "delivered", "failed", "cancelled"]
Action = Literal["edit", "rotate-secret", "test", "replay", "enable", "disable", "delete"]

FORMATS: tuple[Format, ...] = get_args(Format)
STATES: tuple[EndpointState, ...] = get_args(EndpointState)
STATE_REASONS: tuple[StateReason, ...] = get_args(StateReason)
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
ACTIONS: tuple[Action, ...] = get_args(Action)

MOST_ENDPOINTS = 500
"""Most endpoints of a city."""

KEPT = timedelta(days=90)
"""How long deliveries, their attempts and bodies are kept, counted from their event."""

DIGEST_MOST = 50
"""Most events in one message of a robot; its size limit may allow fewer."""

EACH_MOST = 100
"""Most deliveries to an endpoint that are handed out at once."""

ROBOT_RATE = 18
"""Messages a minute; a robot that gets twenty or more is muted."""

_MOST_HEADERS = 20
_LONGEST_HEADER = 4096
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")

_OUR_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "cookie", "date", "expect", "forwarded", "host"}
    | {"http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"user-agent", "via"}
)
_OUR_PREFIXES = ("content-", "proxy-", "sec-", "webhook-", "x-forwarded-")
"""Prefixes of headers that only we may set: content, destination and sender."""

_ROBOT_SECRET = re.compile(r"[!-~]{1,200}")
_SIGNING_ROBOTS: frozenset[Format] = frozenset({"dingtalk", "feishu"})


@dataclass(frozen=True, slots=True)
class SettingsContext:
    """The context in which settings are validated.

    `policy` decides which addresses are called, `plans` are those in the actor's reach.
    `organizations` maps codes to names: those that the settings use, or, if any of them is unknown,
    all of the city.
    """

    policy: AddressPolicy
    plans: Collection[str] = ()
    organizations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manner:
    """The format and signing of messages; a given `secret` replaces a new one."""

    format: Format = "standard"
    signature: SecretKind = "v1"
    secret: str | None = None


Settings = Mapping[str, Any]
"""An endpoint's settings by column, `url` and `headers` unsealed; may be partial."""


def settings_faults(
    settings: Settings, format_: Format, *, actor: Actor, ground: SettingsContext
) -> Iterator[Fault]:
    """Yield every fault of those settings that are given."""
    if "url" in settings:
        target = check_url(settings["url"], ground.policy, format_=format_)
        if not isinstance(target, TargetUrl):
            # The URL is not repeated, because it may hold a token.
            yield Fault("/url", target, _ROBOT_FORMS.get((target, format_)) or _MISFITS[target])
    for index, name in enumerate(settings.get("event_types", ())):
        yield from type_faults(name, f"/event_types/{index}")
    yield from _header_faults(settings.get("headers", {}), robot=format_ != "standard")
    yield from _filter_faults(settings, actor, ground)


def origin_of_shown(shown: str) -> str:
    """Return the origin of an address from its stored, visible form."""
    return "://".join(urlsplit(shown)[:2])


def headers_faults(settings: Settings, *, origin: str, names: Collection[str]) -> Iterator[Fault]:
    """Yield why headers of these names must not go to the address in the settings.

    `origin` is the present one: a token given for one receiver must not go to another, and whoever
    changes the address does not know it.
    """
    target = read_url(settings["url"]) if "url" in settings and names else None
    if isinstance(target, TargetUrl) and target.origin != origin and "headers" not in settings:
        said = Text(
            "更换主机时须一并重新填写 headers（不需要则填空对象）；此前的标头不会发给新主机",
            "With another host give `headers` anew, or empty: those of before are not sent there",
        )
        yield Fault("/headers", "headers-given-anew", said)


def address_fault(url: str, policy: AddressPolicy, place: str) -> Fault | None:
    """Return why another slice must not send to an address; None: it may."""
    target = check_url(url, policy)
    return None if isinstance(target, TargetUrl) else Fault(place, target, _MISFITS[target])


def _filter_faults(settings: Settings, actor: Actor, ground: SettingsContext) -> Iterator[Fault]:
    plan, unit = settings.get("plan_code"), settings.get("organization_code")
    if plan is not None and plan not in ground.plans:
        said = Text("没有这个计划", "There is no such plan")
        shown = {code: code for code in ground.plans}
        yield Fault("/plan", "plan-not-found", with_closest(said, plan, shown), plan)
    if unit is not None and unit not in ground.organizations:
        yield unknown_organization(unit, ground.organizations)
    elif unit is not None and actor.organization_code not in {None, unit}:
        yield Fault(
            "/organization_code",
            "organization-beyond-scope",
            Text("超出密钥的单位范围", "The key hears of its own organization only"),
            unit,
        )


def _header_faults(headers: Mapping[str, str], *, robot: bool) -> Iterator[Fault]:
    if headers and robot:
        yield Fault(
            "/headers",
            "headers-of-robot",
            Text("机器人不接受自定义标头", "A robot takes no headers of its own"),
        )
    if len(headers) > _MOST_HEADERS:
        yield Fault("/headers", "too-long", Text("标头太多", "There are too many headers"))
    folded = [name.lower() for name in headers]
    for name, value in headers.items():
        lower = name.lower()
        place = pointer(("headers", name))
        if not _HEADER_NAME.fullmatch(name) or folded.count(lower) > 1:
            yield Fault(place, "header-name", Text("标头名称无效或重复", "Not a name, or twice"))
        elif lower in _OUR_HEADERS or lower.startswith(_OUR_PREFIXES):
            yield Fault(
                place, "header-forbidden", Text("该标头由系统设置", "This header is ours to set")
            )
        if len(value) > _LONGEST_HEADER or not _HEADER_VALUE.fullmatch(value):
            yield Fault(
                place,
                "header-value",
                Text("标头值须为可打印的 ASCII 字符", "A value is printable ASCII of 4096 at most"),
            )


_MISFITS: Mapping[Misfit, Text] = {
    "url-invalid": Text("不是有效的地址", "This is not a URL that can be called"),
    "url-scheme": Text("只支持 https（内网允许时 http）", "Only https, or http where allowed"),
    "url-userinfo": Text("地址中不能有用户名", "A URL may hold no user name; use `headers`"),
    "url-encoded-address": Text("IP 地址须以通常形式书写", "Write the address in its plain form"),
    "url-port": Text("不允许该端口", "This port is not called"),
    "url-address": Text("不允许该地址", "This address is not called"),
    "url-insecure": Text("须使用 https", "It must be https"),
    "url-robot-host": Text("不是该机器人的地址", "This is not the address of such a robot"),
    "url-robot-form": Text("不是完整的机器人地址", "This is not the whole address of such a robot"),
    "url-robot-signed": Text(
        "请去掉 timestamp 与 sign：签名由系统在每次发送时计算",
        "Leave out `timestamp` and `sign`: each message is signed when it is sent",
    ),
}

_ROBOT_FORMS: Mapping[tuple[str, str], Text] = {
    ("url-robot-form", format_): Text(f"地址须形如 {form}", f"The address is {form}")
    for format_, form in (
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=…"),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/…"),
    )
}


def manner_faults(manner: Manner, *, rotating: bool = False) -> Iterator[Fault]:
    """Yield the faults of the signing settings; a secret is never repeated in them."""
    signature, robot = manner.signature, manner.format != "standard"
    if robot and signature == "v1a":
        own = Text("机器人使用各自的签名方式", "A robot has its own signature")
        yield Fault("/signature", "signature-of-robot", own, signature)
    if manner.secret is None:
        if robot and rotating:
            yield Fault(
                "/secret", "missing", Text("缺少新密钥", "The robot's new secret is required")
            )
    elif not signs(manner.format):
        yield Fault(
            "/secret",
            "secret-not-taken",
            Text("该机器人没有签名密钥", "This robot has no secret beside the key in its URL"),
        )
    elif robot and not _ROBOT_SECRET.fullmatch(manner.secret):
        yield Fault("/secret", "secret-invalid", Text("密钥无效", "This is not a robot's secret"))
    elif not robot and getattr(read_key(manner.secret), "kind", None) != signature:
        yield Fault("/secret", "secret-invalid", _SECRET_FORMS[signature])


_SECRET_FORMS: Mapping[SecretKind, Text] = {
    "v1": Text("须为 whsec_ 加 24–64 字节的 base64", "Must be `whsec_` and base64 of 24-64 bytes"),
    "v1a": Text("须为 whsk_ 加 ed25519 密钥", "Must be `whsk_` and base64 of an ed25519 key"),
}


def key_of(manner: Manner) -> SigningKey | None:
    """Return the key that signs messages from now on; None: they are not signed.

    A robot's key is the text itself. The settings must have no faults.
    """
    if manner.format != "standard":
        return None if manner.secret is None else SigningKey("v1", manner.secret.encode())
    return new_key(manner.signature) if manner.secret is None else read_key(manner.secret)


def signs(format_: Format) -> bool:
    """Return whether messages of a format can be signed; a key in the URL signs nothing."""
    return format_ == "standard" or format_ in _SIGNING_ROBOTS


def allowed_actions(state: EndpointState, format_: Format) -> list[Action]:
    """Return the actions that are possible on an endpoint in this state."""
    actions: list[Action] = ["edit"]
    if signs(format_):
        actions.append("rotate-secret")
    actions += ["enable"] if state == "disabled" else ["test", "replay", "disable"]
    if state == "failing":
        actions.append("enable")
    return [*actions, "delete"]


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    """Filters of a list of deliveries; None does not filter."""

    state: DeliveryState | None = None
    event_type: str | None = None
    event_id: UUID | None = None


Owner = Mapping[str, str | None]
"""The scope of an endpoint's events, as stored."""


def owner_of(actor: Actor) -> Owner:
    """Return the scope of an actor."""
    return {
        "role": actor.role,
        "organization_code": actor.organization_code,
        "plan_code": actor.plan_code,
        "city_code": actor.city_code,
    }

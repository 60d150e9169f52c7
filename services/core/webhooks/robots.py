"""Messages for the robots of DingTalk, WeCom and Feishu: their forms, signatures and answers. Pure.

All three answer 200 whatever happens: success is a code in the body.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from pydantic_core import from_json, to_json

from services.core.webhooks.sending import Kind, Message, Outcome
from services.core.webhooks.wording import Colour, Told

CUT = "…（已截断，详见系统）"

_FULL_WIDTH = str.maketrans("<>*_[]`&@", "＜＞＊＿［］｀＆＠")
_MOST_BYTES: Mapping[str, int] = {"dingtalk": 18_000, "wecom": 4096, "feishu": 16_000}
_RGB: Mapping[Colour, str] = {
    "grey": "#8C8C8C",
    "blue": "#1677FF",
    "green": "#389E0D",
    "orange": "#D46B08",
    "red": "#CF1322",
}
_WECOM: Mapping[Colour, str] = {
    "grey": "comment",
    "blue": "info",
    "green": "info",
    "orange": "warning",
    "red": "warning",
}
_DIGEST = "消息汇总"
_GRAVITY: Sequence[Colour] = ("grey", "green", "blue", "orange", "red")


def robot_message(
    robot: str, url: str, secret: bytes | None, told: Sequence[Told], *, now: datetime
) -> Message:
    """Return the message that tells a robot's group of events, signed for this attempt.

    Several events are one digest, under the gravest colour among them.
    """
    written = _WRITERS[robot](_gathered(told))
    if secret is not None and robot == "dingtalk":
        milliseconds = round(now.timestamp() * 1000)
        url += f"&timestamp={milliseconds}&sign={quote_plus(dingtalk_sign(secret, milliseconds))}"
    if secret is not None and robot == "feishu":
        seconds = int(now.timestamp())
        written = {"timestamp": str(seconds), "sign": feishu_sign(secret, seconds), **written}
    return Message(url, {"Content-Type": "application/json; charset=utf-8"}, to_json(written))


def dingtalk_sign(secret: bytes, milliseconds: int) -> str:
    """Return DingTalk's signature of an instant, not yet quoted for a URL."""
    content = f"{milliseconds}\n".encode() + secret
    return base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def feishu_sign(secret: bytes, seconds: int) -> str:
    """Return Feishu's signature of an instant: there the content is the key, and signs nothing."""
    content = f"{seconds}\n".encode() + secret
    return base64.b64encode(hmac.digest(content, b"", hashlib.sha256)).decode()


def _gathered(told: Sequence[Told]) -> Told:
    """Return what is told in one message, harmless in every robot's markup."""
    plain = [replace(one, line=safe(one.line)) for one in told]
    if len(plain) == 1:
        return plain[0]
    lines = [f"{one.at} 【{one.heading}】{one.line.splitlines()[0]}" for one in plain]
    colour = max((one.colour for one in plain), key=_GRAVITY.index)
    return Told(f"{_DIGEST}（{len(plain)} 条）", "\n".join(lines), colour, plain[-1].at)


def safe(text: str) -> str:
    """Return a text without characters that a robot would read as markup, a link or a mention."""
    return text.translate(_FULL_WIDTH)


def cut(text: str, most: int) -> str:
    """Return a text of `most` bytes of UTF-8 at most, cut between characters and saying so."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len(CUT.encode())].decode("utf-8", "ignore") + CUT


def _dingtalk(told: Told) -> dict[str, Any]:
    heading = f"#### <font color={_RGB[told.colour]}>【{told.heading}】</font>"
    text = "\n\n".join([heading, *told.line.split("\n"), told.at])
    title = f"【{told.heading}】"
    return {
        "msgtype": "markdown",
        "markdown": {"title": title, "text": cut(text, _MOST_BYTES["dingtalk"])},
    }


def _wecom(told: Told) -> dict[str, Any]:
    heading = f'**<font color="{_WECOM[told.colour]}">【{told.heading}】</font>**'
    lines = [f">{line}" for line in [*told.line.split("\n"), told.at]]
    content = cut("\n".join([heading, *lines]), _MOST_BYTES["wecom"])
    return {"msgtype": "markdown", "markdown": {"content": content}}


def _feishu(told: Told) -> dict[str, Any]:
    text = cut(f"{told.line}\n{told.at}", _MOST_BYTES["feishu"])
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {
                "template": told.colour,
                "title": {"tag": "plain_text", "content": told.heading},
            },
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": text}}],
        },
    }


_WRITERS: Mapping[str, Callable[[Told], dict[str, Any]]] = {
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "feishu": _feishu,
}

_CODES: Mapping[str, Sequence[str]] = {
    "dingtalk": ("errcode",),
    "wecom": ("errcode",),
    "feishu": ("code", "StatusCode"),
}
_TOO_MANY: Mapping[str, int] = {"dingtalk": 130101, "wecom": 45009, "feishu": 11232}


def judged(robot: str, outcome: Outcome) -> Outcome:
    """Return what a robot's answer comes to; its 200 says nothing, the code in the body does."""
    if outcome.kind != "delivered":
        return outcome
    return replace(outcome, kind=_kind(robot, outcome.body))


def _kind(robot: str, body: bytes) -> Kind:
    try:
        said = from_json(body)
    except ValueError:
        return "refused"
    if not isinstance(said, dict):
        return "refused"
    code = next((said[name] for name in _CODES[robot] if name in said), None)
    if code == 0 and not isinstance(code, bool):
        return "delivered"
    return "throttled" if code == _TOO_MANY[robot] else "refused"

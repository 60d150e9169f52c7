"""Messages for the robots of DingTalk, WeCom and Feishu: their forms, signatures and answers. Pure.

All three answer 200 whatever happens: a code in the body tells success. A message is bounded;
events that do not fit are left for the next message.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from pydantic_core import from_json, to_json

from services.core.webhooks.sending import Message, Outcome
from services.core.webhooks.wording import MessageColour, Told

CUT = "…（已截断，详见系统）"

# Characters that begin a heading, a list, a rule or a table, or mark emphasis, links or mentions.
_FULL_WIDTH = str.maketrans("<>*_[]`&@#~|\\", "＜＞＊＿［］｀＆＠＃～｜＼")
_AT_THE_BEGINNING = re.compile(r"^[-+=]+")
_FULL_WIDTH_THERE = str.maketrans("-+=", "－＋＝")
_MOST_BYTES: Mapping[str, int] = {"dingtalk": 18_000, "wecom": 4096, "feishu": 16_000}
_RGB: Mapping[MessageColour, str] = {
    "grey": "#8C8C8C",
    "blue": "#1677FF",
    "green": "#389E0D",
    "orange": "#D46B08",
    "red": "#CF1322",
}
_WECOM: Mapping[MessageColour, str] = {
    "grey": "comment",
    "blue": "info",
    "green": "info",
    "orange": "warning",
    "red": "warning",
}
_DIGEST = "消息汇总"
_GRAVITY: Sequence[MessageColour] = ("grey", "green", "blue", "orange", "red")


def fitting(robot: str, told: Sequence[Told]) -> list[int]:
    """Return the indices in `told` of the events that fit whole into one message, gravest first.

    There is always one: a single text that is too long is cut, and says so.
    """
    places = sorted(range(len(told)), key=lambda place: -_GRAVITY.index(told[place].colour))
    number = 1
    while number < len(places):
        more = _gathered([told[place] for place in places[: number + 1]])
        if len(_TEXTS[robot](more).encode()) > _MOST_BYTES[robot]:
            break
        number += 1
    return places[:number]


def robot_message(
    robot: str, url: str, secret: bytes | None, told: Sequence[Told], *, now: datetime
) -> Message:
    """Return the message of events to a robot's group, signed for this attempt.

    Several events make a digest, in this order, under the colour of the gravest; they are those
    that `fitting` selected.
    """
    gathered = _gathered(told)
    written = _ENVELOPES[robot](gathered, cut(_TEXTS[robot](gathered), _MOST_BYTES[robot]))
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
    """Return Feishu's signature of an instant: the HMAC of an empty message, keyed with content."""
    content = f"{seconds}\n".encode() + secret
    return base64.b64encode(hmac.digest(content, b"", hashlib.sha256)).decode()


def _gathered(told: Sequence[Told]) -> Told:
    """Return events as one text, with the markup of every robot neutralized."""
    plain = [replace(one, line=safe(one.line)) for one in told]
    if len(plain) == 1:
        return plain[0]
    lines = [f"{one.at} 【{one.heading}】{one.line}" for one in plain]
    colour = max((one.colour for one in plain), key=_GRAVITY.index)
    latest = max(one.at for one in plain)
    return Told(f"{_DIGEST}（{len(plain)} 条）", "\n".join(lines), colour, latest)


def safe(text: str) -> str:
    """Return a text that robots show as plain text: no markup, heading, list, link or mention."""
    return "\n".join(_plain(line) for line in text.splitlines())


def _plain(line: str) -> str:
    flush = line.strip().translate(_FULL_WIDTH)  # indented text would be shown as code
    return _AT_THE_BEGINNING.sub(lambda run: run[0].translate(_FULL_WIDTH_THERE), flush)


def cut(text: str, most: int) -> str:
    """Return a text of at most `most` bytes of UTF-8, cut between characters with a mark."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len(CUT.encode())].decode("utf-8", "ignore") + CUT


def _dingtalk_text(told: Told) -> str:
    heading = f"#### <font color={_RGB[told.colour]}>【{told.heading}】</font>"
    return "\n\n".join([heading, *told.line.split("\n"), told.at])


def _wecom_text(told: Told) -> str:
    heading = f'**<font color="{_WECOM[told.colour]}">【{told.heading}】</font>**'
    return "\n".join([heading, *(f">{line}" for line in [*told.line.split("\n"), told.at])])


def _feishu_text(told: Told) -> str:
    return f"{told.line}\n{told.at}"


_TEXTS: Mapping[str, Callable[[Told], str]] = {
    "dingtalk": _dingtalk_text,
    "wecom": _wecom_text,
    "feishu": _feishu_text,
}


def _dingtalk(told: Told, text: str) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"title": f"【{told.heading}】", "text": text}}


def _wecom(_told: Told, text: str) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"content": text}}


def _feishu(told: Told, text: str) -> dict[str, Any]:
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


_ENVELOPES: Mapping[str, Callable[[Told, str], dict[str, Any]]] = {
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "feishu": _feishu,
}

_CODES: Mapping[str, Sequence[str]] = {
    "dingtalk": ("errcode",),
    "wecom": ("errcode",),
    "feishu": ("code", "StatusCode"),
}
_TOO_MANY: Mapping[str, frozenset[int]] = {
    "dingtalk": frozenset({130101, 410100, 90030}),
    "wecom": frozenset({45009, 45033}),
    "feishu": frozenset({11232, 99991400}),
}
"""Each robot's codes for too many messages: per minute, at once, or to all robots of a tenant."""

# Feishu has one code for both a bad request and too many; its message tells which.
_TOO_MANY_IN_WORDS = {("feishu", 9499): re.compile(r"too many|frequency", re.IGNORECASE)}
_TOO_MANY_REQUESTS = 429


def judged(robot: str, outcome: Outcome) -> Outcome:
    """Return the outcome of a robot's answer by the code in its body; its status is always 200.

    Too many messages is recognized whatever the HTTP status.
    """
    if outcome.status_code is None or outcome.kind not in {"delivered", "status"}:
        return outcome
    said = _said(outcome.body)
    code = next((said[name] for name in _CODES[robot] if name in said), None)
    if outcome.status_code == _TOO_MANY_REQUESTS or _too_many(robot, code, said):
        return replace(outcome, kind="throttled")
    good = code == 0 and not isinstance(code, bool)
    return outcome if good or outcome.kind == "status" else replace(outcome, kind="refused")


def _said(body: bytes) -> Mapping[str, Any]:
    try:
        said = from_json(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _too_many(robot: str, code: object, said: Mapping[str, Any]) -> bool:
    if not isinstance(code, int):
        return False
    words = _TOO_MANY_IN_WORDS.get((robot, code))
    if words is not None:
        return words.search(str(said.get("msg", ""))) is not None
    return code in _TOO_MANY[robot]

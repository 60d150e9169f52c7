"""Messages of the three robots: published signatures, bounded forms, and what an answer means."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.contract.examples import event_examples
from services.core.events.catalogue import EventType
from services.core.webhooks.robots import (
    CUT,
    cut,
    dingtalk_sign,
    feishu_sign,
    fitting,
    judged,
    robot_message,
    safe,
)
from services.core.webhooks.schedule import ROBOT_PAUSE, pause_of
from services.core.webhooks.sending import Outcome
from services.core.webhooks.wording import FORMS, Names, Told, codes_in, told

NOW = datetime.fromtimestamp(1599360473, UTC)
ROBOTS = ("dingtalk", "wecom", "feishu")
URL = "https://robot.test/send?key=k"
NAMES = Names({"UN15": "市生态环境局"}, {"U08": "一般工业固体废物综合利用率"})
LEVELS = {0: "blue", 1: "blue", 2: "orange", 3: "red"}
LEVEL_RANK = {0: 0, 1: 0, 2: 1, 3: 2}
"""Levels of one colour are as grave as each other."""


def event(type_: str, **data: Any) -> Mapping[str, Any]:
    of_every = {"id": "1", "position": 7, "plan": "410183-2025", "actor": {"name": "张三"}}
    return {
        "type": type_,
        "timestamp": "2026-11-25T08:02:00.5Z",
        "data": {**of_every, "organization_code": "UN15", "indicator_code": "U08", **data},
    }


def written(robot: str, *words: Told, secret: bytes | None = None) -> Any:
    message = robot_message(robot, URL, secret, words, now=NOW)
    return json.loads(message.body)


def text_of(robot: str, body: Any) -> str:
    if robot == "feishu":
        return str(body["card"]["elements"][0]["text"]["content"])
    return str(body["markdown"]["text" if robot == "dingtalk" else "content"])


@pytest.mark.parametrize(
    ("secret", "milliseconds", "signature"),
    [
        ("this is secret", 1577262236757, "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="),
        ("SEC0000000000000000", 1795420800000, "h5VeWrDL0nzNatjVC6Pdsy1FRYXHeIX2cwoYQr889yU="),
    ],
)
def test_dingtalk_signs_as_published(secret: str, milliseconds: int, signature: str) -> None:
    assert dingtalk_sign(secret.encode(), milliseconds) == signature
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    words = (told(event("webhook.test"), NAMES),)
    url = robot_message("dingtalk", URL, secret.encode(), words, now=at).url
    query = urlsplit(url).query
    assert query == f"key=k&timestamp={milliseconds}&sign=" + query.rpartition("sign=")[2]
    assert parse_qs(query)["sign"] == [signature]
    assert "+" not in query


@pytest.mark.parametrize(
    ("secret", "seconds", "signature"),
    [
        ("demo", 1599360473, "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
        ("SEC0000000000000000", 1795420800, "xgu0TW/GEcCeNfWM42RcyM7/KqriR2OJOF5mJfmsuLw="),
    ],
)
def test_feishu_signs_as_published(secret: str, seconds: int, signature: str) -> None:
    assert feishu_sign(secret.encode(), seconds) == signature


def test_feishu_puts_its_signature_into_the_body_and_wecom_has_none() -> None:
    words = told(event("webhook.test"), NAMES)
    body = written("feishu", words, secret=b"demo")
    assert (body["timestamp"], body["sign"]) == (
        "1599360473",
        "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=",
    )
    assert "sign" not in written("feishu", words)
    message = robot_message("wecom", URL, b"unused", [words], now=NOW)
    assert message.url == URL
    assert "sign" not in json.loads(message.body)


def test_every_type_of_event_is_told_in_chinese() -> None:
    assert set(FORMS) == set(get_args(EventType))
    for type_ in FORMS:
        words = told(event(type_, title="事项", message="【蓝色督办】已逾期", reason="理由"), NAMES)
        assert words.line
        assert "{" not in words.line
        assert "张三" not in words.line, "nobody who acted is named"
        assert words.at == "11-25 16:02"
        assert told({"type": type_, "timestamp": "", "data": {}}, Names()).line


@pytest.mark.parametrize("type_", get_args(EventType))
def test_an_event_as_it_is_recorded_leaves_no_gap_in_its_sentence(type_: EventType) -> None:
    example = event_examples()[type_]
    words = told({"type": type_, "timestamp": "", "data": {"plan": "p", **example.data}}, NAMES)
    assert "—" not in words.line, words.line


def test_codes_are_told_by_name_where_it_is_known() -> None:
    approved = event("submission.approved", period="2025")
    line = "市生态环境局“一般工业固体废物综合利用率”2025已审核通过"
    assert told(approved, NAMES).line == line
    assert told(approved, Names()).line == "UN15“U08”2025已审核通过"
    assert codes_in(approved) == ("410183-2025", "UN15", "U08")
    returned = told(event("submission.returned", period="2025", reason="缺佐证"), NAMES)
    assert returned.line.endswith("被退回：缺佐证")
    decided = event("extension.decided", state="approved", granted_date="2026-12-31", title="试点")
    line = "市生态环境局关于“试点”的延期申请已批准，新期限 2026-12-31"
    assert told(decided, NAMES).line == line


def test_a_type_of_tomorrow_is_told_by_its_name() -> None:
    assert told(event("moon.landed"), NAMES).line == "moon.landed"


@pytest.mark.parametrize("level", LEVELS)
def test_alerts_have_the_colour_of_their_level(level: int) -> None:
    raised = event("alert.raised", level=level, message="【红色督办】市局的里程碑“试点”已逾期7天")
    words = told(raised, NAMES)
    assert words.colour == LEVELS[level]
    assert words.line == "市局的里程碑“试点”已逾期7天", "its heading says what stood in brackets"
    body = written("feishu", words)
    assert body["card"]["header"]["template"] == LEVELS[level]
    if level == 3:
        assert '<font color="warning">【红色督办】</font>' in text_of(
            "wecom", written("wecom", words)
        )
        assert "#CF1322" in text_of("dingtalk", written("dingtalk", words))


def test_a_digest_of_alerts_lists_what_it_holds() -> None:
    items = [{"message": f"第{number}项"} for number in range(12)]
    line = told(event("alert.digest", message="【每日汇总】12 项待办提醒", items=items), NAMES).line
    assert line.split("\n") == ["12 项待办提醒", *[f"第{n}项" for n in range(10)], "……等 12 项"]


@pytest.mark.parametrize("robot", ROBOTS)
def test_many_events_are_one_digest_in_order_under_the_gravest_colour(robot: str) -> None:
    words = [
        told(event("submission.approved", period=f"2025-{month:02}"), NAMES)
        for month in range(1, 13)
    ]
    words.append(told(event("alert.raised", level=3, message="已逾期"), NAMES))
    body = written(robot, *(words[place] for place in fitting(robot, words)))
    text = text_of(robot, body)
    places = [text.index("【红色督办】已逾期")]
    places += [text.index(f"2025-{month:02}已审核通过") for month in range(1, 13)]
    assert places == sorted(places)
    assert "消息汇总（13 条）" in json.dumps(body, ensure_ascii=False)
    assert any(colour in json.dumps(body) for colour in ("#CF1322", "warning", '"red"'))


@pytest.mark.parametrize("robot", ROBOTS)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 3]), st.integers(1, 600)), min_size=1, max_size=50)
)
def test_what_one_message_does_not_hold_is_left_for_the_next_the_gravest_first(
    robot: str, alerts: list[tuple[int, int]]
) -> None:
    left = [
        told(event("alert.raised", level=level, message=f"第{number}项" + "逾期" * length), NAMES)
        for number, (level, length) in enumerate(alerts)
    ]
    levels = {one.line: level for one, (level, _) in zip(left, alerts, strict=True)}
    heard: list[str] = []
    while left:
        places = fitting(robot, left)
        chosen = [left[place] for place in places]
        text = text_of(robot, written(robot, *chosen))
        assert len(chosen) == 1 or CUT not in text
        assert all(one.line in text for one in chosen)
        rest = [one for one in left if one not in chosen]
        assert all(
            LEVEL_RANK[levels[one.line]] >= LEVEL_RANK[levels[other.line]]
            for one in chosen
            for other in rest
        )
        heard += [one.line for one in chosen]
        left = rest
    assert sorted(heard) == sorted(levels)


def test_fifty_lines_for_wecom_are_two_messages() -> None:
    words = [
        told(event("submission.approved", period=f"{2025 + number}-01"), NAMES)
        for number in range(50)
    ]
    first = fitting("wecom", words)
    assert 20 < len(first) < 50
    text = text_of("wecom", written("wecom", *(words[place] for place in first)))
    assert text.count("已审核通过") == len(first)
    assert CUT not in text
    assert f"消息汇总（{len(first)} 条）" in text


def test_a_digest_of_alerts_keeps_its_items_among_others() -> None:
    items = [{"message": f"第{number}项"} for number in range(3)]
    digest = told(event("alert.digest", message="【每日汇总】3 项待办提醒", items=items), NAMES)
    text = text_of("wecom", written("wecom", digest, told(event("webhook.test"), NAMES)))
    assert all(f"第{number}项" in text for number in range(3))


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_text_is_bounded_and_says_so(robot: str) -> None:
    words = told(event("alert.raised", level=1, message="逾期" * 20_000), NAMES)
    body = written(robot, words)
    assert text_of(robot, body).endswith(CUT)
    most = {"dingtalk": 20_000, "wecom": 4096, "feishu": 20_000}[robot]
    measured = (
        text_of(robot, body).encode()
        if robot == "wecom"
        else json.dumps(body, ensure_ascii=False).encode()
    )
    assert len(measured) <= most


@given(st.text(max_size=300), st.integers(60, 400))
def test_a_cut_falls_between_characters(text: str, most: int) -> None:
    bounded = cut(text, most)
    assert len(bounded.encode()) <= most
    assert bounded == text or text.startswith(bounded.removesuffix(CUT))
    assert (bounded == text) == (len(text.encode()) <= most)


@given(st.text(max_size=60))
def test_no_text_of_a_user_is_read_as_markup_or_mentions_anybody(text: str) -> None:
    assert not set(safe(text)) & set("<>*_[]`&@#~|\\")
    assert not [line for line in safe(text).split("\n") if line[:1] in {"-", "+", "=", " ", "\t"}]


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize(
    "line",
    ["# 特大喜讯", "## 二", "   # 三", "---", "===", "- 一", "+ 一", "    代码", "~~~", "|a|b|"],
)
@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n", "\u2028", "\x0b"])
def test_a_users_text_makes_no_heading(robot: str, line: str, break_: str) -> None:
    reason = f"退回{break_}{line}{break_}{line}"
    text = text_of(robot, written(robot, told(event("submission.returned", reason=reason), NAMES)))
    lines = [each.removeprefix(">") for each in text.splitlines()]
    assert not [each for each in lines[1:] if each[:1] in set("#-+=~| ")]
    assert len([each for each in lines if each.startswith("#")]) == (robot == "dingtalk")


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_users_title_can_neither_link_nor_mention(robot: str) -> None:
    title = '[点这里](https://evil.test) <at id="all"></at> <@all> **急** @13800000000'
    text = text_of(robot, written(robot, told(event("milestone.accepted", title=title), NAMES)))
    line = next(each for each in text.split("\n") if "点这里" in each)
    assert not set(line.lstrip(">")) & set("<>*_[]@")


OK = {"dingtalk": b'{"errcode":0}', "wecom": b'{"errcode":0}', "feishu": b'{"code":0}'}


@pytest.mark.parametrize(
    ("robot", "body", "kind"),
    [
        *((robot, body, "delivered") for robot, body in OK.items()),
        ("feishu", b'{"StatusCode":0,"StatusMessage":"success"}', "delivered"),
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', "refused"),
        ("feishu", b'{"code":11232}', "throttled"),
        ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match"}', "refused"),
        ("dingtalk", b'{"errcode":130101,"errmsg":"send too fast"}', "throttled"),
        ("wecom", b'{"errcode":93000}', "refused"),
        ("dingtalk", b'{"errcode":410100}', "throttled"),
        ("dingtalk", b'{"errcode":90030,"errmsg":"webhook over limit"}', "throttled"),
        ("dingtalk", b'{"errcode":45009}', "refused"),
        ("wecom", b'{"errcode":45009}', "throttled"),
        ("wecom", b'{"errcode":45033}', "throttled"),
        ("wecom", b'{"errcode":130101}', "refused"),
        ("feishu", b'{"code":9499,"msg":"too many request"}', "throttled"),
        ("feishu", b'{"code":9499,"msg":"Bad Request"}', "refused"),
        ("feishu", b'{"code":99991400,"msg":"request trigger frequency limit"}', "throttled"),
        *((robot, b"ok", "refused") for robot in ROBOTS),
        *((robot, b"[]", "refused") for robot in ROBOTS),
        *((robot, b"{}", "refused") for robot in ROBOTS),
        *((robot, b'{"errcode":false,"code":false}', "refused") for robot in ROBOTS),
        *((robot, b'{"errcode":"0","code":"0"}', "refused") for robot in ROBOTS),
        *((robot, b"\xff", "refused") for robot in ROBOTS),
    ],
)
def test_a_robots_200_means_what_its_code_means(robot: str, body: bytes, kind: str) -> None:
    answer = Outcome("delivered", 5, status_code=200, body=body)
    assert judged(robot, answer).kind == kind


@pytest.mark.parametrize("robot", ROBOTS)
def test_what_is_no_200_is_what_it_was(robot: str) -> None:
    for kind in ("status", "timeout"):
        outcome = Outcome(kind, 5, body=OK[robot])
        assert judged(robot, outcome) == outcome


@pytest.mark.parametrize(
    ("robot", "status", "body"),
    [
        *((robot, 429, b"") for robot in ROBOTS),
        ("feishu", 400, b'{"code":99991400,"msg":"request trigger frequency limit"}'),
        ("dingtalk", 403, b'{"errcode":130101}'),
    ],
)
def test_too_many_is_too_many_whatever_the_status(robot: str, status: int, body: bytes) -> None:
    outcome = judged(robot, Outcome("status", 5, status_code=status, body=body))
    assert outcome.kind == "throttled"
    assert pause_of(outcome, NOW) == ROBOT_PAUSE
    asked = judged(robot, Outcome("status", 5, status_code=429, body=b"", retry_after="30"))
    assert pause_of(asked, NOW) == 30

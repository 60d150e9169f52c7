"""Robots as receivers: one readable message, success by the code in the body, a digest of many."""

import json
from datetime import timedelta
from typing import Any

import pytest

from services.core.kit.clock import Clock
from tests.support.planted import Planted
from tests.support.receiver import Heard, a_receiver, answer, in_turn
from tests.worker.running import until
from tests.worker.sending import delivering, has

OK = answer(200, b'{"errcode":0,"errmsg":"ok"}')
MUTED = answer(200, b'{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}')
WRONG = answer(200, b'{"errcode":310000,"errmsg":"sign not match"}')
APPROVED = {"organization_code": "UN15", "indicator_code": "U08", "period": "2025"}


def text(heard: Heard) -> str:
    body: Any = json.loads(heard.body)
    return str(body["markdown"]["text"])


async def name_codes(planted: Planted) -> None:
    await planted.rows("INSERT INTO city VALUES ('410183', '新密市')")
    await planted.rows(
        "INSERT INTO organization (city_code, code, ordinal, name, kind, aliases, members, submits,"
        " defined_by) VALUES ('410183', 'UN15', 1, '市生态环境局', 'x', '{}', '{}', TRUE, '')"
    )


async def test_a_robot_is_told_in_words_with_its_own_signature(planted: Planted) -> None:
    await name_codes(planted)
    async with a_receiver(OK) as receiver:
        robot = await planted.endpoint(
            receiver.url("/robot/send?access_token=t"),
            format="dingtalk",
            secrets=(b"SEC0000000000000000",),
        )
        (delivery,) = await planted.deliveries(robot, data=APPROVED)
        async with delivering(planted):
            await until(has(planted, delivered=1))
    (heard,) = receiver.heard
    assert heard.target.startswith("/robot/send?access_token=t&timestamp=")
    assert "市生态环境局“U08”2025已审核通过" in text(heard)
    assert not [name for name in heard.headers if name.startswith("webhook-")]
    (attempt,) = await planted.attempts(delivery)
    assert attempt.outcome == "delivered"


async def test_an_error_in_a_200_is_a_failure(planted: Planted) -> None:
    async with a_receiver(WRONG) as receiver:
        robot = await planted.endpoint(receiver.url("/send?a=t"), format="dingtalk", secrets=())
        (delivery,) = await planted.deliveries(robot)
        async with delivering(planted, schedule=(0,)):
            await until(has(planted, failed=1))
    (attempt,) = await planted.attempts(delivery)
    assert (attempt.outcome, attempt.status_code) == ("refused", 200)
    assert attempt.response_head is not None
    assert "310000" in attempt.response_head


async def test_a_muted_robot_rests_and_no_other_does(planted: Planted) -> None:
    async with a_receiver(in_turn(MUTED, OK)) as muted, a_receiver(OK) as other:
        robot = await planted.endpoint(muted.url("/send?a=t"), format="dingtalk", secrets=())
        second = await planted.endpoint(other.url("/send?a=t"), format="dingtalk", secrets=())
        (resting, _) = await planted.deliveries(robot, second)
        async with delivering(planted):
            await muted.hears(1)
            await until(has(planted, delivered=1, pending=1))
            await planted.deliveries(robot, second)
            await until(has(planted, delivered=2, pending=2))
        row = await planted.endpoint_row(robot)
        assert row.paused_until is not None
        assert row.paused_until - Clock.true_now() > timedelta(minutes=9)
        assert (row.state, row.consecutive_failures) == ("active", 0)
        delivery = await planted.delivery(resting)
        assert delivery.attempts - delivery.attempts_before == 0, "it spent no attempt"
    assert len(muted.heard) == 1


@pytest.mark.parametrize("robot", ["dingtalk", "wecom", "feishu"])
async def test_more_than_a_robot_may_hear_is_one_digest(planted: Planted, robot: str) -> None:
    codes = answer(200, b'{"errcode":0,"code":0}')
    async with a_receiver(codes) as receiver:
        endpoint = await planted.endpoint(receiver.url("/send?a=t"), format=robot, secrets=())
        periods = [f"2025-{month:02}" for month in range(1, 13)]
        for period in periods:
            await planted.deliveries(endpoint, data={**APPROVED, "period": period})
        async with delivering(planted):
            await until(has(planted, delivered=12))
    (heard,) = receiver.heard
    body = heard.body.decode()
    assert "消息汇总（12 条）" in body
    assert all(period in body for period in periods)
    assert await planted.rows("SELECT FROM webhook_attempt WHERE outcome <> 'delivered'") == []


async def test_what_does_not_fit_follows_in_the_next_message(planted: Planted) -> None:
    """Each is heard once, the gravest first, and none is delivered that was not sent."""
    async with a_receiver(OK) as receiver:
        robot = await planted.endpoint(receiver.url("/send?key=t"), format="wecom", secrets=())
        names = [f"第{number:02}项" for number in range(50)]
        for number, name in enumerate(names):
            await planted.deliveries(
                robot,
                type_="alert.raised",
                data={"message": name + "逾期" * 20, "level": 3 if number % 10 == 9 else 1},
            )
        async with delivering(planted):
            await until(has(planted, delivered=50))
    texts = [json.loads(heard.body)["markdown"]["content"] for heard in receiver.heard]
    assert len(texts) > 1
    assert all(len(text.encode()) <= 4096 and "已截断" not in text for text in texts)
    heard = [name for text in texts for name in names if name in text]
    assert sorted(heard) == names
    assert texts[0].count("【红色督办】") == 5
    assert texts[0].index("【红色督办】") < texts[0].index("【蓝色督办】")
    (attempts,) = await planted.rows(
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'delivered') FROM webhook_attempt"
    )
    assert attempts == (50, 50), "what waited for the next message was not tried before"
    (numbers,) = await planted.rows("SELECT min(attempts), max(attempts) FROM webhook_delivery")
    assert numbers == (1, 1)

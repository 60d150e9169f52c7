"""The office's own texts in papers: versions, what is filled in, and what is refused."""

from typing import Any

import pytest

from tests.support.api import Door
from tests.support.papers import a_paper, content, made, words_of
from tests.support.scores import PLAN

PATH = f"{PLAN}/paper-texts/bulletin"


async def test_what_the_office_words_is_in_the_papers_that_are_asked_for_then(door: Door) -> None:
    await a_paper(door)
    before = await made(door)
    async with await door.as_("office") as office:
        first = await office.get(PATH)
        shipped = first.json()
        assert (shipped["version"], shipped["changed_by"]) == (0, None)
        own = {"next_steps": "{城市}各单位对照{期间}红灯指标整改。\n下月报结果。"}
        unnamed = await office.put(PATH, json={"texts": own})
        assert unnamed.status_code == 428
        changed = await office.put(
            PATH, json={"texts": own}, headers={"If-Match": first.headers["ETag"]}
        )
        assert changed.status_code == 200, changed.text
        assert changed.json()["version"] == 1
        assert changed.json()["texts"] == {**shipped["texts"], **own}
        stale = await office.put(
            PATH, json={"texts": {}}, headers={"If-Match": first.headers["ETag"]}
        )
        assert (stale.status_code, stale.json()["current"]["version"]) == (412, 1)
        assert (await office.get(PATH)).headers["ETag"] == changed.headers["ETag"]
    after = await made(door)
    said = words_of(await content(door, after))
    assert "新密市各单位对照2021年红灯指标整改。" in said
    assert "下月报结果。" in said
    assert "新密市各单位" not in words_of(await content(door, before))


@pytest.mark.parametrize(
    ("texts", "pointer", "code"),
    [
        ({"opening": "数据截至{日期}。"}, "/texts/opening", "unknown-place"),
        ({"opening": "数据截至{截至。"}, "/texts/opening", "unknown-place"),
        ({"opening": "{{城市}}"}, "/texts/opening", "unknown-place"),
        ({"closing": "此致"}, "/texts/closing", "unknown-text"),
    ],
)
async def test_what_nothing_fills_is_refused_when_it_is_saved(
    door: Door, texts: dict[str, Any], pointer: str, code: str
) -> None:
    async with await door.as_("office") as office:
        answer = await office.put(PATH, json={"texts": texts}, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_texts_are_the_offices(door: Door) -> None:
    for role, unit in (("leader", None), ("reporter", "UN15")):
        async with await door.as_(role, unit) as other:
            assert (await other.get(PATH)).status_code == 403
            refused = await other.put(PATH, json={"texts": {}}, headers={"If-Match": "*"})
            assert refused.status_code == 403
    async with await door.as_("office") as office:
        unknown = await office.get(PATH.replace("bulletin", "letter"))
        assert unknown.status_code in {404, 422}

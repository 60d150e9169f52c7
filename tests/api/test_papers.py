"""Papers: made once of one place in the log, byte for byte, each figure of them traced."""

import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.support.api import Door
from tests.support.papers import PATH, content, figures, got, made, papering, words_of
from tests.support.scores import PLAN, approved


@pytest.fixture
async def submission(door: Door) -> str:
    """A value of U08 that counts in 2021; all tests of the module share it."""
    async with await door.as_("office") as office:
        params = {"indicator_code": "U08", "period": "2021"}
        found = (await office.get(f"{PLAN}/submissions", params=params)).json()["items"]
    return str(found[0]["id"]) if found else await approved(door, period="2021", value="40.65")


async def test_a_bulletin_is_the_same_byte_for_byte_and_each_figure_is_traced(
    door: Door, submission: str
) -> None:
    first = await made(door)
    second = await made(door, position=first["position"])
    assert second["number"] == first["number"] + 1
    assert (second["digest"], second["code"]) == (first["digest"], first["code"])
    docx = await content(door, first)
    assert docx == await content(door, second)
    said = words_of(docx)
    assert "关于2021年“无废城市”建设进展情况的通报" in said
    assert first["code"] in said
    assert "下降-" not in said
    assert "征求意见稿" in said
    listed = await figures(door, first)
    assert len(listed) == first["figures"]
    assert [one["number"] for one in listed.values()] == list(range(1, len(listed) + 1))
    printed = {int(number) for number in re.findall(r"\[([0-9]+)\]", said)}
    assert printed <= {one["number"] for one in listed.values()}
    u08 = listed["indicator/U08"]
    assert (u08["shown"], u08["facts"]["value"]) == ("40.65%", "40.65")
    assert f"40.65%[{u08['number']}]" in said
    trace = await got(door, f"/papers/{first['id']}/figures/{u08['number']}")
    assert [one["submission_id"] for one in trace["submissions"]] == [submission]
    assert (trace["indicator_code"], trace["position"]) == ("U08", first["position"])
    score = await got(door, trace["score_path"].removeprefix("/v1"))
    assert score["score"]["value"] == "40.65"
    met = listed["count/met"]
    assert u08["number"] in met["rests_on"]
    async with await door.as_("leader") as leader:
        absent = await leader.get(f"/papers/{first['id']}/figures/9999")
    assert (absent.status_code, absent.json()["code"]) == (404, "paper-figure-not-found")


async def test_a_corrected_value_is_named_by_what_moved(door: Door) -> None:
    submission = await approved(door, period="2022", value="40.65")
    paper = await made(door, period="2022")
    still = await got(door, f"/papers/{paper['id']}/moved")
    assert (still["items"], still["position_now"]) == ([], paper["position"])
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as clerk:
        again = await office.post(f"/submissions/{submission}/reopen", json={"reason": "更正"})
        etag = {"If-Match": again.headers["ETag"]}
        await clerk.patch(f"/submissions/{submission}", json={"value": "37"}, headers=etag)
        await clerk.post(f"/submissions/{submission}/submit")
        await office.post(f"/submissions/{submission}/approve")
    await door.react()
    told = await got(door, f"/papers/{paper['id']}/moved")
    by_key = {one["key"]: one for one in told["items"]}
    u08 = by_key["indicator/U08"]
    assert (u08["shown"], u08["shown_now"]) == ("40.65%", "37.00%")
    assert (u08["facts"]["value"], u08["facts_now"]["value"]) == ("40.65", "37")
    assert "overall/score" in by_key
    assert not any(key.startswith("indicator/") for key in by_key if key != "indicator/U08")
    assert told["position_now"] > told["position"] == paper["position"]
    assert words_of(await content(door, paper)).count("40.65") >= 1
    third = await made(door, period="2022", position=paper["position"])
    assert await content(door, third) == await content(door, paper)


@pytest.mark.usefixtures("submission")
async def test_what_is_printed_says_what_the_office_filled_in(door: Door) -> None:
    plain = await made(door)
    assert "〔　　〕　　号" in words_of(await content(door, plain)), "nobody said when it is issued"
    filled = await made(door, document_number="密无废办〔2021〕3号", issued_on="2021-10-15")
    said = words_of(await content(door, filled))
    assert "密无废办〔2021〕3号" in said
    assert "2021年10月15日" in said
    assert filled["digest"] != plain["digest"]


@pytest.mark.usefixtures("submission")
async def test_papers_are_listed_to_whoever_sees_the_whole_plan(door: Door) -> None:
    papers = [await made(door) for _ in range(3)]
    page = await got(door, PATH, kind="bulletin", period="2021", page_size="2")
    assert [one["id"] for one in page["items"]] == [papers[2]["id"], papers[1]["id"]]
    rest = await got(
        door,
        PATH,
        kind="bulletin",
        period="2021",
        page_size="2",
        page_token=page["next_page_token"],
    )
    assert rest["items"][0]["id"] == papers[0]["id"]
    assert (await got(door, PATH, "superior"))["items"]
    async with await door.as_("reporter", "UN15") as unit:
        listed = (await unit.get(PATH)).json()
        assert (listed["items"], listed["limited_to_scope"]) == ([], True)
        for end in ("", "/content/docx", "/figures", "/figures/1", "/moved"):
            hidden = await unit.get(f"/papers/{papers[0]['id']}{end}")
            assert (hidden.status_code, hidden.json()["code"]) == (404, "paper-not-found")
        refused = await unit.post(PATH, json={"kind": "bulletin"})
        assert refused.status_code == 403


@pytest.mark.usefixtures("submission")
@pytest.mark.parametrize(
    ("wish", "pointer", "code"),
    [
        ({"period": "2021-13"}, "/period", "invalid-period"),
        ({"period": "2024-11"}, "/period", "nothing-scored"),
        ({"publication": 1, "position": 1}, "/publication", "not-with-position"),
        ({"kind": "letter"}, "/kind", None),
        ({"colour": "red"}, "/colour", None),
        ({"issued_on": "15.10.2025"}, "/issued_on", None),
    ],
)
async def test_a_wish_that_cannot_be_is_told_where(
    door: Door, wish: dict[str, Any], pointer: str, code: str | None
) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json={"kind": "bulletin", "period": "2021", **wish})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert code is None or fault["code"] == code


@pytest.mark.usefixtures("submission")
async def test_a_worker_that_dies_leaves_no_paper_and_another_makes_it_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await got(door, PATH)
    async with await door.as_("office") as office:
        begun = await office.post(PATH, json={"kind": "bulletin", "period": "2021"})
        location = begun.headers["Location"].removeprefix("/v1")
        paper_id = begun.json()["request"]["paper_id"]
        dying: Any = papering(door)

        async def dead(*_: object) -> None:
            raise SystemError

        with monkeypatch.context() as patched:
            patched.setattr(dying, "_documents", dead)
            with pytest.raises(SystemError):
                await dying.work_off()
        assert (await office.get(location)).json()["state"] == "running"
        await papering(door).work_off()
        assert (await office.get(location)).json()["state"] == "running"  # the lease still holds
        assert (await office.get(f"/papers/{paper_id}")).status_code == 404
        assert await got(door, PATH) == before
        await door.held.database.pool.execute(
            "UPDATE paper SET lease_until = now() WHERE city_code = '410183'"
        )
        await papering(door).work_off()
        done = (await office.get(location)).json()
        assert done["state"] == "succeeded"
        assert done["progress"]["done"] == done["progress"]["total"] == len(done["result"]["files"])
        assert (await office.get(f"/papers/{paper_id}")).status_code == 200


@pytest.mark.usefixtures("submission")
async def test_one_that_is_cancelled_is_never_a_paper(door: Door) -> None:
    async with await door.as_("office") as office:
        begun = await office.post(PATH, json={"kind": "bulletin", "period": "2021"})
        location = begun.headers["Location"].removeprefix("/v1")
        assert (await office.post(f"{location}/cancel")).status_code == 200
        await papering(door).work_off()
        assert (await office.get(location)).json()["state"] == "cancelled"
        paper_id = begun.json()["request"]["paper_id"]
        assert (await office.get(f"/papers/{paper_id}")).status_code == 404


async def test_a_bulletin_comes_as_docx_pdf_and_xlsx_and_all_are_the_same_again(
    door: Door, submission: str
) -> None:
    assert submission
    first = await made(door)
    second = await made(door, position=first["position"])
    assert [one["format"] for one in first["files"]] == ["docx", "pdf", "xlsx"]
    for form in ("docx", "pdf", "xlsx"):
        assert await content(door, first, form) == await content(door, second, form)
    pdf = await content(door, first, "pdf")
    assert pdf.startswith(b"%PDF-1.7")
    assert b"NotoSerifSC" in pdf
    book = load_workbook(io.BytesIO(await content(door, first, "xlsx")))
    assert book.sheetnames == ["附件1", "附件2", "数据溯源"]
    for sheet in book.worksheets:
        assert str(sheet["A1"].value).startswith("（征求意见稿"), "each may be printed alone"
    rows = list(book["附件1"].iter_rows(min_row=3, values_only=True))
    (u08,) = [row for row in rows if row[1] is not None and "生活垃圾回收利用率" in str(row[1])]
    assert u08[4:6] == (40.65, "100.00%")
    traced = list(book["数据溯源"].iter_rows(min_row=3, values_only=True))
    assert len([row for row in traced if isinstance(row[0], int | float)]) == first["figures"]


async def test_a_bulletin_shows_the_periods_before_and_traces_each_of_their_values(
    door: Door,
) -> None:
    before = await approved(door, period="2026", value="40.00")
    await approved(door, period="2027", value="38.50")
    await door.react()
    paper = await made(door, period="2027")
    said = words_of(await content(door, paper))
    assert "近2期完成情况对比表" in said
    assert "下降1.50个百分点" in said
    listed = await figures(door, paper)
    then = listed["indicator/U08@2026"]
    assert (then["period"], then["facts"]["value"]) == ("2026", "40")
    trace = await got(door, f"/papers/{paper['id']}/figures/{then['number']}")
    assert [one["submission_id"] for one in trace["submissions"]] == [before]
    assert trace["score_path"].endswith("period=2026")
    again = await made(door, period="2027", position=paper["position"])
    assert again["digest"] == paper["digest"]

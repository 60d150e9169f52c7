"""Every list as CSV and XLSX: the rows of its JSON, for the same callers, refused as it is."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.api.table_forms import Form
from tests.support.api import XINMI, Door, xinmi
from tests.support.batches import rows, sent
from tests.support.contract import CONTRACT
from tests.support.evidence import added
from tests.support.ground import Ground, prepare, who_may
from tests.support.reported import PATH, assessed, reported
from tests.support.serving import served
from tests.support.sheets import read_workbook
from tests.support.tables import ASKED, csv_rows, expected, json_rows, same, sheet_rows

OTHERS = {"get_scoreboard": "indicators", "get_scoreboard_changes": "indicators"}
"""Operations that answer tables and are no lists, with the member that holds their rows."""

ASSIGNED = {
    "value": "30",
    "kind": "at_most",
    "document_number": "郑无废〔2025〕1号",
    "document_date": "2025-03-01",
}

XLSX = {"Accept": Form.XLSX.value}
CSV = {"Accept": Form.CSV.value}
CHINESE = {"Accept-Language": "zh-CN"}


def _content(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"].get("200", {}).get("content", {})
    return found


def _is_list(operation: dict[str, Any]) -> bool:
    schema = _content(operation).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return "items" in CONTRACT["components"]["schemas"].get(name, {}).get("properties", {})


def _declared(operation: dict[str, Any], member: str) -> set[str]:
    """Return the members of a row that the contract declares."""
    name = _content(operation)["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schemas = CONTRACT["components"]["schemas"]
    row = schemas[name]["properties"][member]["items"]["$ref"].rpartition("/")[2]
    return set(schemas[row]["properties"])


_AS_LISTED = {"application/json", Form.CSV.value}

READ = [(path, one["get"]) for path, one in CONTRACT["paths"].items() if "get" in one]
TABLES = {path: one for path, one in READ if {*_content(one)} >= _AS_LISTED}


@pytest.fixture(scope="module")
async def ground(door: Door) -> Ground:
    """A ledger with something in every list."""
    labels = [f"{verb.upper()} {path}" for path, one in CONTRACT["paths"].items() for verb in one]
    ground = await prepare(door, labels)
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        put = await superior.put(f"/plans/{XINMI}/indicators/R01/targets/2025", json=ASSIGNED)
        assert put.status_code == 200, put.text
        path = f"plans/{XINMI}/indicators/R01/targets/2025"
        assert (await added(superior, path)).status_code == 201
        published = await office.post(f"/plans/{XINMI}/periods/2024/publish")
        assert published.status_code == 200, published.text
        again = await office.post(f"/plans/{XINMI}/periods/2024/reopen", json={"reason": "更正"})
        assert again.status_code == 200, again.text
    await door.react()
    made = await reported(door, period="2024")
    async with await door.as_("office") as office:
        approved = await office.post(f"/submissions/{made['id']}/approve")
        assert approved.status_code == 200, approved.text
    await door.react()
    return ground


def test_whatever_lists_can_be_had_as_a_table() -> None:
    lists = {one["operationId"] for _, one in READ if _is_list(one)}
    assert {one["operationId"] for one in TABLES.values()} == lists | set(OTHERS)
    assert len(lists) >= 27
    assert all(Form.XLSX.value in _content(one) for one in TABLES.values())


@pytest.mark.parametrize("path", TABLES)
async def test_the_rows_of_a_table_are_those_of_the_json(
    door: Door, ground: Ground, path: str
) -> None:
    operation = TABLES[path]
    named = ground.named(f"GET {path}", operation["operationId"]) | {"year": "2025", "code": "R01"}
    address = path.removeprefix("/v1").format(**named)
    member = OTHERS.get(operation["operationId"], "items")
    params = dict(next((ask for end, ask in ASKED.items() if path.endswith(end)), {}))
    if path.endswith("{plan}/rankings"):
        await assessed(door)
    taken = str(operation.get("parameters"))
    short = {"page_size": 3} if "PageSize" in taken else {"limit": 7} if "limit" in taken else {}
    who = who_may(f"GET {path}")
    # A calendar token is its maker's.
    secret = None if "calendar" in path else ground.secrets[who]
    async with door.client(secret) if secret else await door.as_(who) as client:
        listed = await json_rows(client, address, params | short, member)
        by_suffix = await client.get(f"{address}.csv", params=params)
        by_accept = await client.get(address, params=params, headers=XLSX)
        chinese = await client.get(f"{address}.csv", params=params, headers=CHINESE)
    names, table = csv_rows(by_suffix)
    assert len(names) == len(set(names))
    wanted = expected(listed, names, _declared(operation, member))
    assert listed, "nothing was compared"
    assert len(table) == len(wanted)
    for cells, values in zip(table, wanted, strict=True):
        assert [one for one in zip(names, cells, values, strict=True) if not same(*one[1:])] == []
    heads, sheet = sheet_rows(by_accept)
    assert heads == names
    assert len(sheet) == len(wanted)
    for found, values in zip(sheet, wanted, strict=True):
        padded = found + [None] * (len(names) - len(found))
        assert [one for one in zip(names, padded, values, strict=True) if not same(*one[1:])] == []
    titles, again = csv_rows(chinese)
    assert len(again) == len(table), "what is said in a language is another text"
    assert len(titles) == len(names)
    assert all(any("一" <= letter <= "鿿" for letter in title) for title in titles)


async def test_more_rows_than_a_page_come_in_one_file_and_a_page_alone_where_asked(
    door: Door,
) -> None:
    made = await sent(door, rows(1100, note="多页"))
    assert made.json()["created"] == 1100, made.text
    async with await door.as_("office") as office:
        listed = await json_rows(office, PATH, {"page_size": 500})
        table = await office.get(f"{PATH}.csv")
        page = await office.get(f"{PATH}.csv?state=submitted&page_size=7")
        more = await office.get(page.links["next"]["url"].removeprefix("/v1"))
        last = await office.get(f"{PATH}.csv?page_size=500&period=2022-01")
    names, cells = csv_rows(table)
    at = names.index("id")
    assert [one[at] for one in cells] == [one["id"] for one in listed]
    assert len(cells) >= 1100
    submitted = [one["id"] for one in listed if one["state"] == "submitted"]
    found = [one[at] for answer in (page, more) for one in csv_rows(answer)[1]]
    assert found == submitted[:14]
    assert "link" not in last.headers


async def test_whoever_goes_away_leaves_nothing_running_and_no_connection_held(door: Door) -> None:
    """Over the server of production: what was read of a file is all that is made of it."""
    secret = await door.new_key("office")
    authorized = {"Authorization": f"Bearer {secret}"}
    async with (
        served(door.app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", headers=authorized) as client,
    ):
        for _ in range(3):
            async with client.stream("GET", f"{PATH}.csv") as answer:
                assert answer.status_code == 200
                await anext(answer.aiter_raw())
        whole = await client.get(f"{PATH}.csv")
        head = await client.head(f"{PATH}.csv")
    assert len(csv_rows(whole)[1]) >= 1100
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-disposition"] == whole.headers["content-disposition"]
    for pool in (door.held.database.pool, door.held.reads.pool):
        assert pool.get_size() == pool.get_idle_size()


NASTY = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    'say "hi", 你好\nnext',
    "a < b & c > d",
    "_x0041_",
    "0123",
]
LONG = "-1234567890123456789.012345678901234567"


async def test_texts_stay_texts_and_numbers_stay_numbers_to_the_last_digit(
    door: Door,
) -> None:
    values = ["-2.4", "0", "40.65", "123456789012345", LONG]
    made = {}
    for note, value in zip(NASTY, [*values, *values], strict=False):
        row = await reported(door, indicator_code="R10", note=note, value=value)
        made[row["id"]] = (note, Decimal(value))
    async with await door.as_("office") as office:
        asked = {"indicator_code": "R10"}
        text = await office.get(f"{PATH}.csv", params=asked)
        book = await office.get(f"{PATH}.xlsx", params=asked)
    names, cells = csv_rows(text)
    ours = [dict(zip(names, one, strict=True)) for one in cells]
    said = {one["id"]: (one["note"], Decimal(one["value"])) for one in ours}
    assert {one: said[one] for one in made} == made
    for risky in NASTY[:5]:
        assert f"'{risky}" in text.text
    assert ",-2.4," in text.text, "a number below zero is no formula"
    heads, sheet = sheet_rows(book)
    note_at, value_at = heads.index("note"), heads.index("value")
    seen = {}
    for cells_ in sheet:
        noted, given, identifier = (cells_[at] for at in (note_at, value_at, heads.index("id")))
        assert noted and given and identifier  # noqa: PT018 (each is a cell)
        if identifier.text not in made:
            continue
        assert noted.type == "inlineStr"
        assert (noted.style == "2") is (noted.text in NASTY[:5])
        assert given.type == ("inlineStr" if given.text == LONG else "n")
        seen[identifier.text] = (noted.text, Decimal(given.text))
    assert seen == made


async def test_a_table_shows_nobody_more_than_the_list_and_is_refused_in_the_same_way(
    door: Door,
) -> None:
    theirs = await reported(door)
    async with (
        await door.as_("reporter", "UN10") as other,
        await door.as_("superior") as superior,
        door.client(None) as nobody,
    ):
        assert theirs["id"] not in (await other.get(f"{PATH}.csv")).text
        assert theirs["id"] not in (await superior.get(f"{PATH}.csv")).text
        for client, path in (
            (nobody, PATH),
            (other, "/plans/410183-1999/submissions"),
            (other, f"{PATH}?stat=draft"),
            (other, f"{PATH}?state=gone&organization_code=nobody"),
            (other, f"{PATH}?page_token=made-up"),
            (other, f"{PATH}?state=&period=&page_token="),
            (other, f"/submissions/{theirs['id']}/history"),
            (other, "/api-keys"),
        ):
            address, _, query = path.partition("?")
            expected_ = await client.get(path)
            for told in (
                await client.get(f"{address}.csv?{query}"),
                await client.get(f"{address}.xlsx?{query}"),
                await client.get(path, headers=CSV),
            ):
                assert expected_.status_code >= 400
                assert told.status_code == expected_.status_code
                same_but_for = {"instance": ""}
                assert told.json() | same_but_for == expected_.json() | same_but_for
                assert told.headers["content-language"] == "en"
        changes = await other.get(f"{PATH}.csv?changed_after=0")
    assert changes.status_code == 422
    assert [one["code"] for one in changes.json()["errors"]] == ["not-in-an-export"]


async def test_a_table_is_kept_and_asked_for_again_as_its_json_is(door: Door) -> None:
    path = f"/plans/{XINMI}/indicators"
    async with await door.as_("leader") as leader:
        plain = await leader.get(path)
        first = await leader.get(f"{path}.xlsx")
        again = await leader.get(f"{path}.xlsx")
        english, chinese = [
            await leader.get(f"{path}.csv", headers={"Accept-Language": one})
            for one in ("en", "zh")
        ]
        same_ = await leader.get(f"{path}.csv", headers={"If-None-Match": english.headers["etag"]})
        other = await leader.get(f"{path}.csv", headers={"If-None-Match": plain.headers["etag"]})
        head = await leader.head(f"{path}.xlsx")
        listed = await leader.get(PATH)
    assert first.content == again.content, "byte for byte"
    assert first.headers["etag"] == again.headers["etag"] == head.headers["etag"]
    tags = {one.headers["etag"] for one in (plain, first, english, chinese)}
    assert len(tags) == 4
    assert (same_.status_code, same_.content) == (304, b"")
    assert other.status_code == 200
    assert first.headers["cache-control"] == plain.headers["cache-control"]
    assert english.headers["vary"].startswith("Authorization, Accept, Accept-Language")
    assert english.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in first.headers, "it is a ZIP already"
    assert "Accept" in plain.headers["vary"]
    assert "Accept" in listed.headers["vary"]
    assert first.headers["content-disposition"] == (
        f'attachment; filename="plans-{XINMI}-indicators.xlsx"'
    )
    assert (head.status_code, head.content) == (200, b"")


async def test_the_kept_scoreboard_is_never_answered_in_place_of_its_table(door: Door) -> None:
    path = f"/plans/{XINMI}/scoreboard?period=2025"
    async with await door.as_("leader") as leader:
        board = (await leader.get(path)).json()
        book = await leader.get(path, headers={**XLSX, "Accept-Language": "zh-CN"})
        again = await leader.get(path)
    sheets = read_workbook(book.content)
    assert list(sheets) == ["指标", "分组", "说明"]
    assert [len(rows) - 1 for rows in sheets.values()] == [
        len(board["indicators"]),
        len(board["groups"]),
        1,
    ]
    assert again.json() == board


async def test_the_indicator_table_is_as_printed_with_value_light_and_reason(
    door: Door, ground: Ground
) -> None:
    assert ground.secrets
    path = f"/plans/{XINMI}/scoreboard/table"
    printed = xinmi().indicators
    async with await door.as_("leader") as leader:
        board = (await leader.get(f"/plans/{XINMI}/scoreboard?period=2024")).json()
        table = (await leader.get(f"{path}?period=2024")).json()
        book = await leader.get(f"{path}.xlsx?period=2024", headers={"Accept-Language": "zh-CN"})
        frozen = (await leader.get(f"{path}?publication=1")).json()
    assert [one["printed_name"] for one in table["items"]] == [one.printed_name for one in printed]
    assert [one["row"] for one in table["items"]] == [one.row for one in printed]
    for line, row in zip(table["items"], board["indicators"], strict=True):
        for name in ("code", "value", "display", "light", "reason", "met", "attainment"):
            assert line[name] == row[name]
    (line,) = [one for one in table["items"] if one["code"] == "U08"]
    (before,) = [one for one in frozen["items"] if one["code"] == "U08"]
    assert (line["value"], before["value"]) == ("40.65", None)
    heads, rows_ = sheet_rows(book)
    said = [
        {head: cell for head, cell in zip(heads, cells, strict=False) if cell} for cells in rows_
    ]
    (told,) = [one for one in said if one["指标代码"].text == "U08"]
    assert told["数值"] == ("n", "40.65", "0")
    assert told["亮灯（文字）"].text in "绿黄红灰"
    assert told["原因"].text == line["reason"]
    about = read_workbook(book.content)["说明"]
    assert "征求意见稿" in {cell.text for cell in about[1] if cell}, (
        "whoever reads it knows a draft"
    )


async def test_two_publications_stand_side_by_side_with_every_indicator(
    door: Door, ground: Ground
) -> None:
    assert ground.secrets
    path = f"/plans/{XINMI}/scoreboard/comparison"
    asked = {"from": "publication:1", "period": "2024"}
    async with await door.as_("leader") as leader:
        whole = (await leader.get(path, params=asked)).json()
        book = await leader.get(f"{path}.xlsx", params=asked)
        itself = await leader.get(path, params={"from": "publication:1", "to": "publication:1"})
        other = await leader.get(path, params={**asked, "period": "2025"})
        none = await leader.get(path, params={"from": "0", "period": "2024"})
        early = await leader.get(path, params={**asked, "to": "0"})
    assert [one["code"] for one in whole["items"]] == [one.code for one in xinmi().indicators]
    (line,) = [one for one in whole["items"] if one["code"] == "U08"]
    assert (line["before"]["value"], line["after"]["value"], line["change"]) == (
        None,
        "40.65",
        None,
    )
    assert whole["from"]["publication_number"] == 1
    assert itself.json()["from"]["period"] == "2024", "a publication is of its own period"
    assert {one["change"] for one in itself.json()["items"]} <= {"0", None}
    assert itself.json()["difference"] in {"0", None}
    assert (other.status_code, other.json()["code"]) == (404, "publication-not-found")
    assert none.json()["from"] is None
    assert all(one["before"] is None for one in none.json()["items"])
    assert (early.status_code, early.json()["code"]) == (404, "scoreboard-not-found")
    heads, cells = sheet_rows(book)
    said = [{head: cell for head, cell in zip(heads, one, strict=False) if cell} for one in cells]
    (told,) = [one for one in said if one["code"].text == "U08"]
    assert told["after.value"] == ("n", "40.65", "0")
    assert "before.value" not in told


@pytest.mark.parametrize(
    ("accept", "type_"),
    [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/html, */*;q=0.8", "application/json"),
        ("text/csv;q=0.1, */*;q=0.8", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=high", "application/json"),
        (f"{Form.XLSX.value}, */*", Form.XLSX.value),
        (f"TEXT/CSV;q=0.5, {Form.XLSX.value};q=0.5", "text/csv"),
    ],
)
async def test_the_form_is_the_one_that_the_caller_prefers(
    door: Door, accept: str, type_: str
) -> None:
    async with await door.as_("leader") as leader:
        answer = await leader.get("/organizations", headers={"Accept": accept})
        item = await leader.get("/organizations/UN15", headers={"Accept": accept})
        none = await leader.get("/organizations/UN15.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == type_
    assert item.headers["content-type"] == "application/json", "an item is no list"
    assert none.status_code == 404

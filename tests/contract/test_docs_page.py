"""The docs page speaks Chinese and English, and says each whole."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from services.api.contract.translated import in_chinese
from services.api.contract.viewer import for_viewer
from services.core.kit.text import Language
from tests.support.contract import CONTRACT, contract_app
from tests.support.pages import carried_by


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = httpx.ASGITransport(contract_app())
    async with httpx.AsyncClient(transport=app, base_url="http://wufei.test") as opened:
        yield opened


@pytest.mark.parametrize(
    ("asked", "address", "language"),
    [
        ("", "/docs", "zh-CN"),
        ("fr", "/docs", "zh-CN"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "/docs", "zh-CN"),
        ("en-GB,en;q=0.9", "/docs", "en"),
        ("en", "/docs?language=zh-CN", "zh-CN"),
        ("zh-CN", "/docs?language=en", "en"),
    ],
)
async def test_the_page_is_in_the_language_that_is_asked_for(
    client: httpx.AsyncClient, asked: str, address: str, language: str
) -> None:
    page = await client.get(address, headers={"Accept-Language": asked})
    assert page.status_code == 200
    assert page.headers["Content-Language"] == language
    assert "Accept-Language" in page.headers["Vary"]
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in page.text
    offered = re.findall(r'<a href="([^"]+)"[^>]*?(aria-current="true")?>', page.text)
    here = {address for address, current in offered if current}
    assert {address for address, _ in offered} == {"?language=zh-CN", "?language=en"}
    assert here == {f"?language={language}"}
    summary = carried_by(page.text)["paths"]["/v1/plans/{plan}/submissions"]["post"]["summary"]
    assert summary.startswith("填报一个数值") is (language == "zh-CN")
    assert bool(carried_by(page.text, "labels")) is (language == "zh-CN")


@pytest.mark.parametrize(
    ("query", "pointer"), [("language=fr", "/query/language"), ("lang=en", "/query/lang")]
)
async def test_a_language_that_there_is_not_is_refused(
    client: httpx.AsyncClient, query: str, pointer: str
) -> None:
    refused = await client.get(f"/docs?{query}")
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("language", "told", "heading"),
    [
        ("en", "Id of a submission (such as `019a", "The same as a table; "),
        ("zh-CN", "填报的编号（如 `019a", "同样内容的表格；"),
    ],
)
def test_the_words_round_an_example_are_in_the_language_of_the_page(
    language: Language, told: str, heading: str
) -> None:
    contract = in_chinese(CONTRACT) if language == "zh-CN" else CONTRACT
    paths = for_viewer(contract, language)["paths"]
    asked = paths["/v1/submissions/{submission_id}"]["get"]["parameters"]
    [named] = [one for one in asked if one.get("in") == "path"]
    assert named["description"].startswith(told)
    body = paths["/v1/calendars/{code}"]["put"]["requestBody"]["description"]
    assert re.search(rf"^{heading}.*`text/csv`.*$", body, re.MULTILINE)


def test_a_refusal_is_headed_by_its_title() -> None:
    shown = for_viewer(in_chinese(CONTRACT), "zh-CN")
    refused = shown["components"]["responses"]["Conflict"]["content"]["application/problem+json"]
    assert refused["examples"]["submission-exists"]["summary"] == "该指标、单位、周期已有填报"
    assert CONTRACT["tags"][0]["name"] == "health", "the contract itself is left as it is"
    assert "summary" in CONTRACT["info"]


async def test_nothing_that_the_page_carries_ends_its_script(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert page.count("</script>") == page.count("<script") == 4

"""The docs page speaks Chinese and English, and its Chinese is complete."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from swagger_ui_bundle import swagger_ui_path

from services.api.contract import chinese
from services.api.contract.chinese_details import ASKED, DETAILS
from services.api.contract.translated import in_chinese
from services.api.contract.viewer import for_viewer
from services.api.main import create_contract_app
from tests.contract.test_words import english_in
from tests.support.contract import CONTRACT
from tests.support.pages import carried_by

COMPONENTS = CONTRACT["components"]
OPERATIONS = {
    operation["operationId"]
    for operations in CONTRACT["paths"].values()
    for operation in operations.values()
}


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = httpx.ASGITransport(create_contract_app())
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
    assert (summary == chinese.SUMMARIES["create_submission"]) is (language == "zh-CN")
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
    ("words", "named"),
    [
        (chinese.SUMMARIES, OPERATIONS),
        (chinese.TAGS, {tag["name"] for tag in CONTRACT["tags"]}),
        (chinese.PARAMETERS, set(COMPONENTS["parameters"])),
        (chinese.RESPONSES, set(COMPONENTS["responses"])),
        (chinese.SECURITY, set(COMPONENTS["securitySchemes"])),
    ],
    ids=["operations", "tags", "parameters", "responses", "credentials"],
)
def test_whatever_the_contract_holds_has_words_in_chinese(
    words: Mapping[str, Any], named: set[str]
) -> None:
    assert set(words) == named


def _said() -> list[str]:
    tags = [one for both in chinese.TAGS.values() for one in both]
    rest = (chinese.SUMMARIES, chinese.PARAMETERS, chinese.RESPONSES, chinese.SECURITY)
    labels = list(chinese.LABELS.values())
    return [chinese.DESCRIPTION, *tags, *labels, *(one for each in rest for one in each.values())]


def test_the_words_in_chinese_are_chinese() -> None:
    assert [one for one in _said() if not re.search(r"[\u4e00-\u9fff]", one)] == []
    assert [one for one in _said() if english_in(one)] == []


def test_what_a_name_in_the_english_words_is_is_named_in_the_chinese_ones() -> None:
    """A header or a member that the contract names is not lost in translation."""
    for name, one in COMPONENTS["parameters"].items():
        assert _names(one["description"]) == _names(chinese.PARAMETERS[name]), name
    for name, one in COMPONENTS["responses"].items():
        assert _names(one["description"]) == _names(chinese.RESPONSES[name]), name
    for operations in CONTRACT["paths"].values():
        for operation in operations.values():
            words = chinese.SUMMARIES[operation["operationId"]]
            assert _names(operation["summary"]) == _names(words), operation["operationId"]


def _names(words: str) -> set[str]:
    return set(re.findall(r"`[^`]+`", words))


def test_everything_round_an_operation_is_in_chinese() -> None:
    shown = in_chinese(for_viewer(CONTRACT))
    tags = {tag["name"] for tag in shown["tags"]}
    for operations in shown["paths"].values():
        for operation in operations.values():
            assert set(operation["tags"]) <= tags
            summary, note, *_ = operation["description"].split("\n\n")
            assert summary == f"{operation['summary']}。"
            assert english_in(note) == []


def _more(operation: Mapping[str, Any]) -> str:
    """Return what an operation says between its first line and who may call it."""
    return "\n\n".join(operation["description"].split("\n\n")[1:-1])


def test_what_an_operation_says_in_english_it_says_in_chinese() -> None:
    """No operation leaves a paragraph in English, and names nothing that the other does not."""
    english = {
        operation["operationId"]: _more(operation)
        for operations in CONTRACT["paths"].values()
        for operation in operations.values()
    }
    assert {name for name, more in english.items() if more} == set(DETAILS)
    assert {name: _names(DETAILS[name]) for name in DETAILS} == {
        name: _names(english[name]) for name in DETAILS
    }
    for operations in in_chinese(for_viewer(CONTRACT))["paths"].values():
        for operation in operations.values():
            for paragraph in operation["description"].split("\n\n"):
                assert re.search(r"[\u4e00-\u9fff]", paragraph), operation["operationId"]
                assert english_in(paragraph) == [], operation["operationId"]


def test_what_a_parameter_asks_for_is_in_chinese() -> None:
    said = {
        parameter["description"]
        for operations in CONTRACT["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if "$ref" not in parameter
    }
    assert said == set(ASKED)
    for english, words in ASKED.items():
        assert re.search(r"[\u4e00-\u9fff]", words), english
        assert english_in(words) == []
        assert _names(english) == _names(words)
    shown = in_chinese(for_viewer(CONTRACT))["paths"]["/v1/submissions/{submission_id}"]["get"]
    [path] = [one for one in shown["parameters"] if one.get("in") == "path"]
    assert path["description"] == "填报的编号（如 `019aafc0-0000-7000-8000-000000000000`）"


def test_the_credentials_and_refusals_are_in_chinese() -> None:
    shown = in_chinese(for_viewer(CONTRACT))
    refused = shown["components"]["responses"]["Conflict"]["content"]["application/problem+json"]
    assert refused["examples"]["submission-exists"]["summary"] == "该指标、单位、周期已有填报"
    assert CONTRACT["tags"][0]["name"] == "health", "the contract itself is left as it is"
    assert "summary" in CONTRACT["info"]


def test_every_label_that_is_replaced_is_one_of_the_viewer() -> None:
    bundle = (swagger_ui_path / "swagger-ui-bundle.js").read_text(encoding="utf-8")
    assert [label for label in chinese.LABELS if f'"{label}' not in bundle] == []


async def test_nothing_that_the_page_carries_ends_its_script(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert page.count("</script>") == page.count("<script") == 4

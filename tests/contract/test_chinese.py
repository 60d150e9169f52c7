"""Whatever the contract says to people has its Chinese, kept once, and no Chinese is left over."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from swagger_ui_bundle import swagger_ui_path

from services.api.contract.chinese import entry_of, said_in_chinese, sentences, words
from services.api.contract.examples import FOLDER, data_files
from services.api.contract.translated import in_chinese, said_by
from services.api.contract.viewer import for_viewer
from tests.support.chinese import english_in
from tests.support.contract import CONTRACT

KINDS = ("texts", "forms", "tags", "labels")
FILES = [
    pytest.param(path, id=str(path.relative_to(FOLDER)))
    for path in data_files(files="*chinese.yaml")
]
LONGEST_FILE = 400


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return for_viewer(in_chinese(CONTRACT), "zh-CN")


def said_in_english() -> set[str]:
    """Return every sentence that the contract says to people."""
    heard: set[str] = set()

    def hear(words: str) -> str:
        heard.update(sentences(words))
        return words

    said_by(CONTRACT, hear)
    return heard


SENTENCES = said_in_english()
FOUND = {sentence: entry_of(sentence) for sentence in SENTENCES}


def test_every_sentence_of_the_contract_has_its_chinese() -> None:
    """What fails here is a new or changed sentence: put it into the `chinese.yaml` beside it."""
    assert len(SENTENCES) > 1500
    assert sorted(sentence for sentence, found in FOUND.items() if found is None) == []


def test_no_chinese_is_kept_for_what_is_said_no_more() -> None:
    """What fails here is a sentence that changed or went: take it out of its `chinese.yaml`."""
    kept = {(kind, key) for kind in ("texts", "forms") for key in words(kind)}
    assert sorted(kept - set(FOUND.values())) == []
    assert set(words("tags")) == {tag["name"] for tag in CONTRACT["tags"]}


def test_every_label_that_is_replaced_is_one_of_the_viewer() -> None:
    bundle = (swagger_ui_path / "swagger-ui-bundle.js").read_text(encoding="utf-8")
    assert [label for label in words("labels") if f'"{label}' not in bundle] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_chinese_is_chinese(kind: str) -> None:
    said = {key: zh for key, zh in words(kind).items() if not _is_names(key)}
    assert [zh for zh in said.values() if not re.search(r"[\u4e00-\u9fff]", zh)] == []
    assert [zh for zh in words(kind).values() if english_in(zh)] == []


def _is_names(key: str) -> bool:
    """Return whether a sentence is a list of names, in which only the commas differ."""
    return re.sub(r"`[^`]+`|\bor\b|[\s,;:]", "", key) == ""


def test_the_chinese_names_what_the_english_names() -> None:
    """A header, a member or a value that is named is not lost in translation."""
    lost = [key for key, zh in words("texts").items() if _names(key) != _names(zh)]
    assert lost == []


def _names(said: str) -> Counter[str]:
    return Counter(re.findall(r"`[^`]+`", said))


def test_the_chinese_stops_where_the_english_does() -> None:
    assert [
        key for key, zh in words("texts").items() if key.endswith(".") != zh.endswith("。")
    ] == []


def test_a_sentence_is_kept_with_its_stop_or_without_it() -> None:
    texts = words("texts")
    assert [key for key in texts if f"{key}." in texts] == []


def said_on_the_page(node: Any, *, named: bool = False) -> Iterator[str]:
    """Yield what the page says to people, wherever the viewer may show it."""
    if isinstance(node, list):
        for one in node:
            yield from said_on_the_page(one)
    if not isinstance(node, dict):
        return
    for name, one in node.items():
        if not named and name in {"value", "example", "default", "x-problem-codes"}:
            continue
        if not named and name in {"description", "summary", "title"} and isinstance(one, str):
            yield one
        else:
            yield from said_on_the_page(one, named=name in {"properties", "schemas", "examples"})


def test_nothing_is_said_in_english_on_the_chinese_page(page: dict[str, Any]) -> None:
    """The whole of it: headings, answers, examples, members, parameters, credentials, headers."""
    said = [re.sub(r"```.*?```", "", one, flags=re.DOTALL) for one in said_on_the_page(page)]
    assert len(said) > 2000
    beside_names = {one: re.sub(r"`[^`]+`", "", one) for one in said}
    english = [one for one, rest in beside_names.items() if re.search(r"[A-Za-z]", rest)]
    assert [one for one in english if not re.search(r"[\u4e00-\u9fff]", one)] == []
    assert [one for one in said if english_in(one)] == []
    for party in ("contact", "license"):
        assert re.search(r"[\u4e00-\u9fff]", page["info"][party]["name"])


def test_names_members_and_examples_are_those_of_the_contract() -> None:
    """Only words are put into Chinese: undoing them gives the contract back."""
    tags = {f"{zh} {name}": name for name, zh in words("tags").items()}

    shown = in_chinese(CONTRACT)
    for one in shown["tags"]:
        one["name"] = tags[one["name"]]
    for operations in (*shown["paths"].values(), *shown["webhooks"].values()):
        for operation in operations.values():
            operation["tags"] = [tags[name] for name in operation["tags"]]
    assert said_by(shown, _nothing) == said_by(CONTRACT, _nothing)


def _nothing(_: str) -> str:
    return ""


def test_a_member_that_is_called_description_keeps_its_name() -> None:
    thing = {"properties": {"description": {"type": "string", "description": "Its name"}}}
    assert said_by(thing, said_in_chinese) == {
        "properties": {"description": {"type": "string", "description": "名称"}}
    }


def test_a_description_is_put_into_chinese_by_its_paragraphs_and_items() -> None:
    said = (
        "Its name.\n\nAny valid\ncredential will do.\n- The\n  year\n- `2025`\n\n"
        "Roles: `a`, `b`. Scope: `c`."
    )
    assert said_in_chinese(said) == (
        "名称。\n\n任何有效的凭据都可以。\n- 年份\n- `2025`\n\n角色：`a`、`b`。权限范围：`c`。"
    )


def test_a_sentence_without_chinese_is_named() -> None:
    with pytest.raises(LookupError, match=r"no chinese\.yaml has words for: Nobody said this"):
        said_in_chinese("Nobody said\n  this")


@pytest.mark.parametrize("path", FILES)
def test_a_file_says_a_sentence_once_and_is_short(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    for kind, held in root.value:
        assert kind.value in KINDS
        names = [name.value for name, _ in held.value]
        assert [name for name, count in Counter(names).items() if count > 1] == []
        assert {type(one) for one in words(kind.value).values()} == {str}


def test_the_words_are_read_when_the_chinese_page_is_asked_for_and_not_before() -> None:
    """In a process of its own: this one has read them."""
    counts = (
        "from services.api.contract.chinese import words\n"
        "from services.api.contract.docs_page import docs_page\n"
        "from services.api.main import create_contract_app\n"
        "app = create_contract_app()\n"
        "docs_page(app.openapi(), 'en')\n"
        "assert words.cache_info().misses == 0, words.cache_info()\n"
        "docs_page(app.openapi(), 'zh-CN')\n"
        "assert words.cache_info().misses == 4, words.cache_info()\n"
    )
    subprocess.run([sys.executable, "-c", counts], check=True, timeout=300)

"""The page for integrators, in both languages, names what there is; its delivery is a real one."""

import re
from typing import get_args

import pytest

from services.console.receiver_check.cases import cases
from services.core.events.catalogue import EventType
from services.core.identity.rules import SCOPES
from services.core.webhooks.signing import new_key, read_key, signature_header
from tests.support.contract import CONTRACT
from tests.support.receivers import PAGES

_LANGUAGES = ("README.md", "README.zh-CN.md")
_CODES = [one["code"] for one in CONTRACT["x-problem-codes"]]

in_both = pytest.mark.parametrize("language", _LANGUAGES)


def page(language: str) -> str:
    return (PAGES / language).read_text(encoding="utf-8")


def names(text: str) -> set[str]:
    """Return what a text sets as code."""
    return set(re.findall(r"`([^`\n]+)`", text))


@in_both
def test_it_names_every_refusal(language: str) -> None:
    assert set(_CODES) - names(page(language)) == set()


@in_both
def test_it_names_every_event_and_the_scopes_of_systems(language: str) -> None:
    of_people = {"plan:write", "keys:write", "users:write"}
    assert ({*get_args(EventType), *SCOPES} - of_people) - names(page(language)) == set()


@in_both
def test_its_delivery_is_signed_right(language: str) -> None:
    shown = re.search(r"```http\n(?P<head>.*?)\n\n(?P<body>.*?)\n```", page(language), re.DOTALL)
    assert shown is not None
    headers = dict(line.split(": ", 1) for line in shown["head"].splitlines()[1:])
    body = (PAGES / "delivery.json").read_bytes()
    secret = re.search(r"WUFEI_WEBHOOK_SECRET=(whsec_\w+)", page(language))
    key = read_key(secret[1]) if secret else None
    assert key is not None
    assert shown["body"].encode() == body
    assert headers["Content-Length"] == str(len(body))
    assert headers["webhook-signature"] == signature_header(
        [key],
        message_id=headers["webhook-id"],
        timestamp=int(headers["webhook-timestamp"]),
        body=body,
    )


@in_both
def test_it_says_how_much_is_checked(language: str) -> None:
    played = len(list(cases(new_key("v1"))))
    assert re.search(rf"`wufei webhook check URL` .*\b{played} ", page(language))


def test_both_languages_say_the_same() -> None:
    english, chinese = (page(language) for language in _LANGUAGES)
    for mark in (r"^#+ ", r"^\|", r"^- ", r"^\d\. "):
        counted = [len(re.findall(mark, text, re.MULTILINE)) for text in (english, chinese)]
        assert counted[0] == counted[1], mark
    typed = [re.findall(r"```\w+\n.*?```", text, re.DOTALL) for text in (english, chinese)]
    assert typed[0] == typed[1]
    shown = [{name for name in names(text) if name.isascii()} for text in (english, chinese)]
    assert {name for name in shown[0] ^ shown[1] if not re.search("[<{]", name)} == set()


@in_both
def test_its_inner_links_lead_somewhere(language: str) -> None:
    headings = re.findall(r"^#+ (.+)$", page(language), re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page(language))) - places == set()

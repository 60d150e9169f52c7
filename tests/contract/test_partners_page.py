"""The page for partners, in both languages, names what there is, and as the data have it."""

import re

import pytest

from services.api.gateways.facade import OPERATIONS
from services.core.gateways.profiles import PROFILES
from services.core.identity.giving import ROLES_OF_PARTNERS
from tests.support.contract import CONTRACT, contract_app
from tests.support.receivers import PAGES

in_both = pytest.mark.parametrize("language", ["gateways.md", "gateways.zh-CN.md"])


def page(language: str) -> str:
    return (PAGES / language).read_text(encoding="utf-8")


def rows(language: str) -> dict[str, str]:
    """Return the rows of the page's tables by the name in their first cell."""
    found = re.findall(r"^\| `([\w-]+)` \|(.*)$", page(language), re.MULTILINE)
    return dict(found)


@in_both
def test_each_profile_is_told_with_its_places_and_its_window(language: str) -> None:
    told = rows(language)
    for name, profile in PROFILES.items():
        row = told[name]
        assert f" {int(profile.window.total_seconds())} " in row
        if name != "wufei-hmac-sm3":  # "the same"
            for place in [*profile.places.values(), profile.signature]:
                assert f"`{place}`" in row
        if profile.refused is not None:
            assert re.search(rf"`{name}` ?(为)? ?{profile.refused}", page(language))


@in_both
def test_each_operation_is_told_with_what_its_address_takes(language: str) -> None:
    told = rows(language)
    hidden = {"page_size", "page_token", "validate_only", "organization", "city", "wait"}
    of_lines = {"atomic", "draft", "indicator_code", "organization_code", "period", "strategy"}
    for name in OPERATIONS:
        one = contract_app().state.facade[name]
        asked = (one.in_path | one.in_query) - hidden
        asked -= of_lines if name == "write_batch" else set()
        named = set(re.findall(r"`(\w+)`", told[name]))
        assert asked <= named, (name, asked - named)


@in_both
def test_it_says_what_is_unprovisioned_and_which_roles_a_partner_acts_in(language: str) -> None:
    assert re.search("unprovisioned|未开通", page(language))
    assert all(f"`{role}`" in page(language) for role in ROLES_OF_PARTNERS)


def test_both_languages_say_the_same() -> None:
    english, chinese = page("gateways.md"), page("gateways.zh-CN.md")
    for mark in (r"^#+ ", r"^\|", r"^- "):
        counted = [len(re.findall(mark, text, re.MULTILINE)) for text in (english, chinese)]
        assert counted[0] == counted[1], mark
    typed = [re.findall(r"```\w+\n.*?```", text, re.DOTALL) for text in (english, chinese)]
    assert typed[0] == typed[1]


def test_the_contract_names_every_operation_that_partners_may_call() -> None:
    said = str(CONTRACT["paths"]["/gw/v1/{operation}"]["post"]["parameters"])
    assert all(name in said for name in OPERATIONS)

"""What the settings of the API mean."""

import os

import pytest

from services.api.browsers import origins_of
from services.api.sign_in_settings import SignInSettings


@pytest.mark.parametrize(
    ("setting", "sites"),
    [
        ("", []),
        (" , ", []),
        ("https://a.example", ["https://a.example"]),
        ("https://a.example,http://b.example:8080", ["https://a.example", "http://b.example:8080"]),
        (" https://a.example , https://b.example", ["https://a.example", "https://b.example"]),
    ],
)
def test_sites_are_told_apart_by_commas(setting: str, sites: list[str]) -> None:
    assert origins_of(setting) == sites


@pytest.mark.parametrize(
    "wrong",
    [
        *("*", "a.example", "https://a.example/", "https://A.example", "https://"),
        *("https://:8080", "https://user@a.example", "https://@a.example"),
    ],
)
def test_what_is_no_site_is_refused_whatever_stands_beside_it(wrong: str) -> None:
    with pytest.raises(ValueError, match="no site"):
        origins_of(f"https://a.example, {wrong}")


@pytest.mark.parametrize(
    ("processors", "threads"), [(None, 1), (1, 1), (2, 1), (3, 1), (4, 2), (9, 4)]
)
def test_sign_ins_take_half_of_the_processors(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, threads: int
) -> None:
    monkeypatch.delenv("WUFEI_SIGN_IN_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert SignInSettings().sign_in_threads == threads

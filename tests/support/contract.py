"""The contract, committed and made, once for all who look into it: nobody changes what is here."""

from functools import cache
from typing import Any

import yaml
from fastapi import FastAPI

from services.api.contract.__main__ import PATH
from services.api.main import create_contract_app


def read_contract(text: str) -> dict[str, Any]:
    """Return what a text of a contract holds, for whoever asks alone."""
    # libyaml's loader says the same as the one in Python, in an eighth of the time.
    found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return found


@cache
def contract_app() -> FastAPI:
    """Return the application without anything behind it, whose contract is made once."""
    return create_contract_app()


TOKEN_PATH = "/v1/oauth/token"
"""What is asked and answered there RFC 6749 says, and not our own conventions."""

ASKS_APPS = frozenset({"/v1/sign-in/provider", "/v1/sign-in/link"})
"""What asks a government app; tests that have a stand-in of one see it succeed."""

PROVED_IN_BODY = frozenset(
    {
        *ASKS_APPS,
        "/v1/sign-in",
        "/v1/sign-in/invitation",
        "/v1/sign-in/password",
        "/v1/sign-in/second-factor",
        "/v1/token/refresh",
    }
)
"""Where no credential is sent in a header: what the body holds proves who asks, once."""

GATEWAY_PATH = "/gw/v1/{operation}"
"""What is asked and answered there gateways say; tests of partners call it."""

BY_OTHERS = frozenset({TOKEN_PATH, GATEWAY_PATH, *PROVED_IN_BODY})
"""Paths whose requests or refusals are not of our own form, or hold the credential in the body."""

CONTRACT = read_contract(PATH.read_text(encoding="utf-8"))


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference names, through as many as there are, or the node itself."""
    while "$ref" in node:
        found: Any = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node

"""Requests for a token, as RFC 6749 has them written, and what is refused of them."""

import base64
from urllib.parse import urlencode

import pytest

from services.api.identity.token_request import (
    FORM,
    MOST_BYTES,
    TokenRefused,
    granted,
    read_token_request,
)

GRANT = {"grant_type": "client_credentials"}
CLIENT = {"client_id": "k1", "client_secret": "wufei_410183_a_b"}


def basic(said: str = "k1:wufei_410183_a_b") -> str:
    return "Basic " + base64.b64encode(said.encode()).decode()


def test_a_client_says_who_it_is_by_the_header_or_in_the_body() -> None:
    by_body = read_token_request(f"{FORM}; charset=UTF-8", urlencode(GRANT | CLIENT).encode(), None)
    by_header = read_token_request(FORM, urlencode(GRANT).encode(), basic())
    both_ids = read_token_request(FORM, urlencode(GRANT | {"client_id": "k1"}).encode(), basic())
    assert by_body == by_header == both_ids
    assert (by_body.client_id, by_body.client_secret) == ("k1", "wufei_410183_a_b")
    assert by_body.scopes is None


def test_what_the_header_holds_may_be_encoded_as_a_form_is() -> None:
    asked = read_token_request(FORM, urlencode(GRANT).encode(), basic("k%31:a%3Ab+c"))
    assert (asked.client_id, asked.client_secret) == ("k1", "a:b c")


@pytest.mark.parametrize(
    ("scope", "asked"),
    [("", None), ("plan:read", ("plan:read",)), ("b a b", ("b", "a"))],
)
def test_scopes_are_separated_by_spaces_and_none_is_all(
    scope: str, asked: tuple[str, ...] | None
) -> None:
    body = urlencode(GRANT | CLIENT | {"scope": scope, "resource": "ignored"}).encode()
    assert read_token_request(FORM, body, None).scopes == asked


@pytest.mark.parametrize(
    ("content_type", "body", "authorization", "error"),
    [
        ("application/json", b"{}", None, "invalid_request"),
        ("", urlencode(GRANT | CLIENT).encode(), None, "invalid_request"),
        (FORM, b"", basic(), "invalid_request"),
        (FORM, b"grant_type=", basic(), "invalid_request"),
        (FORM, b"grant_type=client_credentials&grant_type=x", basic(), "invalid_request"),
        (FORM, b"grant_type=client_credentials&a=%ff", basic(), "invalid_request"),
        (FORM, "grant_type=客户端".encode(), basic(), "invalid_request"),
        (FORM, b"&".join([b"a=b"] * 60), basic(), "invalid_request"),
        (FORM, b"a=" + b"x" * MOST_BYTES, basic(), "invalid_request"),
        (FORM, urlencode(GRANT | CLIENT).encode(), basic(), "invalid_request"),
        (FORM, urlencode(GRANT | {"client_id": "k2"}).encode(), basic(), "invalid_request"),
        (FORM, b"grant_type=password", basic(), "unsupported_grant_type"),
        (FORM, b"grant_type=authorization_code", basic(), "unsupported_grant_type"),
        (FORM, urlencode(GRANT).encode(), None, "invalid_client"),
        (FORM, urlencode(GRANT | {"client_id": "k1"}).encode(), None, "invalid_client"),
        (FORM, urlencode(GRANT).encode(), "Bearer x", "invalid_client"),
        (FORM, urlencode(GRANT).encode(), "Basic !!", "invalid_client"),
        (FORM, urlencode(GRANT).encode(), "Basic " + "YQ==", "invalid_client"),
    ],
)
def test_what_is_no_such_request_is_refused_by_the_name_that_the_standard_has(
    content_type: str, body: bytes, authorization: str | None, error: str
) -> None:
    with pytest.raises(TokenRefused) as refused:
        read_token_request(content_type, body, authorization)
    assert refused.value.error == error
    description = refused.value.description
    assert description.isascii()
    assert not set(description) & {'"', "\\"}, "RFC 6749 allows neither"


def test_a_token_has_some_of_its_keys_scopes_or_all_and_never_more() -> None:
    held = frozenset({"plan:read", "events:read"})
    assert granted(None, held) == held  # type: ignore[arg-type] # two of the scopes
    assert granted(("plan:read",), held) == {"plan:read"}  # type: ignore[arg-type]
    with pytest.raises(TokenRefused) as refused:
        granted(("plan:read", "keys:write"), held)  # type: ignore[arg-type]
    assert refused.value.error == "invalid_scope"

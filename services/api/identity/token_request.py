"""Parses an OAuth 2 token request (RFC 6749 §4.4, §2.3.1), and its errors (§5.2). Pure."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote_plus

from services.core.identity.rules import Scope

MOST_BYTES = 16 * 1024
FORM = "application/x-www-form-urlencoded"

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
]
ERROR_CODES: tuple[ErrorCode, ...] = (
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
_MOST_PARAMETERS = 50
_GRANT = "client_credentials"


class TokenRefused(Exception):
    """An OAuth error response; `description` is in ASCII, as RFC 6749 requires."""

    def __init__(self, error: ErrorCode, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request: the client, and the scopes; None: all of its key's."""

    client_id: str
    client_secret: str
    scopes: tuple[str, ...] | None


def read_token_request(content_type: str, body: bytes, authorization: str | None) -> TokenRequest:
    """Parse a token request.

    Parameters that RFC 6749 does not define are ignored, as it requires (§3.2); one without a value
    counts as omitted, and a repeated one is a fault.

    Raises:
        TokenRefused: it is not a valid request.
    """
    form = _form(content_type, body)
    grant = form.get("grant_type")
    if grant is None:
        raise TokenRefused("invalid_request", f"grant_type is missing: write {_GRANT}")
    client_id, secret = _client(form, authorization)
    if grant != _GRANT:
        raise TokenRefused("unsupported_grant_type", f"the only grant_type here is {_GRANT}")
    scope = form.get("scope")
    scopes = None if scope is None else tuple(dict.fromkeys(scope.split(" ")))
    return TokenRequest(client_id, secret, scopes)


def granted(asked: tuple[str, ...] | None, held: Collection[Scope]) -> frozenset[Scope]:
    """Return the scopes of a token: those requested, or else all of its key's.

    Raises:
        TokenRefused: the key lacks a requested scope.
    """
    if asked is None:
        return frozenset(held)
    if not set(asked) <= set(held):
        raise TokenRefused("invalid_scope", f"this client may have: {' '.join(sorted(held))}")
    return frozenset(one for one in held if one in asked)


def _form(content_type: str, body: bytes) -> Mapping[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise TokenRefused("invalid_request", f"send the parameters as {FORM}")
    if len(body) > MOST_BYTES:
        raise TokenRefused("invalid_request", f"the body is longer than {MOST_BYTES} bytes")
    try:
        given = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise TokenRefused("invalid_request", f"the body is not {FORM}") from None
    form: dict[str, str] = {}
    for name, value in given:
        if name in form:
            raise TokenRefused("invalid_request", "a parameter is given twice")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _client(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """Return id and secret of the client, from the header or the body, never from both."""
    in_body = form.get("client_id"), form.get("client_secret")
    if authorization is not None:
        client_id, secret = _basic(authorization)
        if in_body[1] is not None or in_body[0] not in {None, client_id}:
            raise TokenRefused(
                "invalid_request", "authenticate by the header or by the body, not by both"
            )
        return client_id, secret
    if in_body[0] is None or in_body[1] is None:
        raise TokenRefused(
            "invalid_client",
            "send the key's id and secret: by Basic, or as client_id and client_secret",
        )
    return in_body[0], in_body[1]


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        said = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        said = ""
    client_id, colon, secret = said.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise TokenRefused("invalid_client", "the header is not Basic with the key's id and secret")
    return unquote_plus(client_id), unquote_plus(secret)

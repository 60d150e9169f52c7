"""Issues access tokens for keys (OAuth 2 client credentials), and serves the verification keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.api.context import ResourcesDep, resources_of
from services.api.contract.choices import one_of
from services.api.contract.shown import answering
from services.api.credentials import Credential
from services.api.identity.token_request import (
    ERROR_CODES,
    FORM,
    ErrorCode,
    TokenRefused,
    granted,
    read_token_request,
)
from services.api.request_context import context_of
from services.api.routing import PublicRoute
from services.api.security import address_of
from services.core.identity.access_tokens import looks_like_token
from services.core.identity.errors import NetworkNotAllowed, Unauthenticated
from services.core.identity.rules import SCOPES

router = APIRouter(
    tags=["identity"],
    route_class=PublicRoute,
    strict_content_type=False,
    generate_unique_id_function=lambda route: route.name,
)

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_BASIC = {"WWW-Authenticate": 'Basic realm="wufei"'}
_KEPT_BY_OTHERS = {"Cache-Control": "public, max-age=600"}


class TokenOut(BaseModel):
    """A token, and for how long it is good (RFC 6749 §5.1)."""

    access_token: str = Field(description="The token: sent as `Authorization: Bearer …`")
    token_type: str = Field(description="Always `Bearer`")
    expires_in: int = Field(description="Seconds until it ends; get another a little before")
    scope: str = Field(description="Its scopes, separated by spaces")


class TokenErrorOut(BaseModel):
    """Why no token is given (RFC 6749 §5.2)."""

    error: Annotated[str, one_of(list(ERROR_CODES))] = Field(description="What programs decide by")
    error_description: str = Field(description="For whoever writes the program; in ASCII")


class MetadataOut(BaseModel):
    """What a client needs to know of this authorization server (RFC 8414)."""

    issuer: str = Field(description="How tokens name this installation")
    token_endpoint: str = Field(description="Where tokens are given")
    jwks_uri: str = Field(description="Where the keys are that tokens are verified with")
    grant_types_supported: list[str] = Field(description="`client_credentials` alone")
    response_types_supported: list[str] = Field(description="Empty: nobody signs in here")
    token_endpoint_auth_methods_supported: list[str] = Field(
        description="How a client shows who it is"
    )
    scopes_supported: list[str] = Field(description="Scopes that a key may have")
    service_documentation: str = Field(description="Where the docs are")


class PublicKeyOut(BaseModel):
    """A public key of ours (RFC 7517)."""

    kty: str = Field(description="Sort of key")
    crv: str = Field(description="Its curve")
    x: str = Field(description="A point on it, first half")
    y: str = Field(description="Second half")
    kid: str = Field(description="What a token calls it")
    use: str = Field(description="Always `sig`")
    alg: str = Field(description="The algorithm that it signs with")


class PublicKeysOut(BaseModel):
    """The keys that tokens are signed with now, were of late, and will be within a day."""

    keys: list[PublicKeyOut] = Field(description="At most a few")


def _form_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {**text, "description": "Always `client_credentials`"},
            "client_id": {**text, "description": "Id of a key; or by Basic"},
            "client_secret": {**text, "description": "Its secret; or by Basic"},
            "scope": {**text, "description": "Some of the key's scopes, by spaces; default: all"},
        },
    }


@router.post(
    "/v1/oauth/token",
    responses={
        **answering("TokenGiven"),
        **answering("TokenRequestRefused", status=400, model=TokenErrorOut),
        **answering("TokenClientRefused", status=401, model=TokenErrorOut),
    },
    response_model=TokenOut,
    openapi_extra={
        "security": [{"client": []}, {}],
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": _form_schema(), "examples": {"TokenRequest": {}}}},
        },
    },
)
async def give_token(request: Request, resources: ResourcesDep) -> Response:
    """Give an access token for a key (OAuth 2 client credentials, RFC 6749 §4.4).

    The client is a key: its id and its secret, by Basic or in the body. The token does what the key
    does, or less where `scope` says so, and ends when the key or the secret does, at the latest
    after ten minutes unless this installation sets it otherwise. It is a JWT (RFC 9068) that names
    the key. Refusals of the request are RFC 6749's own; `Idempotency-Key` has no meaning here.
    """
    address, limited = address_of(request), context_of(request).limited
    if resources.limits is not None and not limited.counted:
        limited.counted = True
        await resources.limits.admit(limited.told, address or "socket", "tokens")
    try:
        asked = read_token_request(
            request.headers.get("content-type", ""),
            await request.body(),
            request.headers.get("authorization"),
        )
        client = await _client(request, asked.client_id, asked.client_secret, address)
        text, token = await resources.tokens.issue(
            city_code=client.actor.city_code,
            key_id=client.actor.credential_id,
            secret_prefix=client.secret_prefix,
            scopes=granted(asked.scopes, client.actor.scopes),
            ends=client.good_until,
        )
    except TokenRefused as refused:
        context_of(request).problem = refused.error
        return _refusal(refused.error, refused.description)
    life = int((token.expires_at - token.issued_at).total_seconds())
    actor = client.actor.in_request(context_of(request).request_id)
    resources.access.used(actor, address)
    resources.access.issued(actor, address, scopes=token.scopes, life=life)
    given = TokenOut(
        access_token=text,
        token_type="Bearer",  # noqa: S106 (no password)
        expires_in=life,
        scope=" ".join(sorted(token.scopes)),
    )
    return Response(given.model_dump_json(), 200, _NOT_KEPT, "application/json")


async def _client(request: Request, client_id: str, secret: str, address: str | None) -> Credential:
    """Return the key that a client authenticates with.

    Raises:
        TokenRefused: id or secret is wrong, or the key may not be used from that address.
    """
    unknown = TokenRefused("invalid_client", "no key has this id and this secret")
    if looks_like_token(secret):
        raise unknown
    try:
        found = await resources_of(request).keys.presented(secret, address)
    except Unauthenticated:
        raise unknown from None
    except NetworkNotAllowed as refused:
        context_of(request).maker = refused.actor
        raise TokenRefused(
            "unauthorized_client", f"the key is not to be used from {address}"
        ) from None
    if str(found.actor.credential_id) != client_id.lower():
        raise unknown
    return found


def _refusal(error: ErrorCode, description: str) -> Response:
    headers = {**_NOT_KEPT, **(_BASIC if error == "invalid_client" else {})}
    body = TokenErrorOut(error=error, error_description=description).model_dump_json()
    status = 401 if error == "invalid_client" else 400
    return Response(body, status, headers, "application/json")


@router.get("/.well-known/oauth-authorization-server", responses=answering("AuthorizationServer"))
async def read_authorization_server(resources: ResourcesDep, response: Response) -> MetadataOut:
    """Return how clients get tokens here (RFC 8414)."""
    response.headers.update(_KEPT_BY_OTHERS)
    here = resources.tokens.issuer
    return MetadataOut(
        issuer=here,
        token_endpoint=f"{here}/v1/oauth/token",
        jwks_uri=f"{here}/.well-known/jwks.json",
        grant_types_supported=["client_credentials"],
        response_types_supported=[],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
        scopes_supported=list(SCOPES),
        service_documentation=f"{here}/docs",
    )


@router.get("/.well-known/jwks.json", responses=answering("PublicKeys"))
async def read_public_keys(resources: ResourcesDep, response: Response) -> PublicKeysOut:
    """Return the public keys that access tokens are verified with (RFC 7517).

    A key is here a day before it signs, and until the last token that it signed has ended.
    """
    response.headers.update(_KEPT_BY_OTHERS)
    keys = await resources.tokens.published()
    return PublicKeysOut(keys=[PublicKeyOut(**key.public) for key in keys])

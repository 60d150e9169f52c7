"""Sign-in routes: callers without a credential authenticate in the body."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.api.context import Resources, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering, asking
from services.api.people.sign_in_schemas import (
    InvitationAcceptedOut,
    InvitationIn,
    LinkIn,
    PasswordIn,
    ProofIn,
    ProviderSignInIn,
    RefreshIn,
    SecondFactorOut,
    SessionOpenedOut,
    SignInIn,
    opened_out,
)
from services.api.request_context import context_of
from services.api.routing import ProofRoute
from services.api.security import address_of
from services.core.identity.networks import network_shown
from services.core.identity.rules import scopes_of_role
from services.core.people.provider_reception import Admit
from services.core.people.sessions import Device, Opened
from services.core.people.signing_in import NewFactor

router = APIRouter(
    prefix="/v1",
    tags=["people"],
    route_class=ProofRoute,
    strict_content_type=False,
    generate_unique_id_function=lambda route: route.name,
)


def _open(*examples: str) -> dict[str, Any]:
    """Return the OpenAPI part of a route that needs no credential in its headers."""
    return {**asking(*examples), "security": []}


def _answer(shown: BaseModel) -> Response:
    """Return a response that must not be cached."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(shown.model_dump_json(), 200, headers, "application/json")


async def _with_token(resources: Resources, opened: Opened) -> Response:
    """Return a session with an access token. No database connection is held meanwhile."""
    sign_in, tenure = opened.sign_in, opened.held.tenure
    text, token = await resources.tokens.issue(
        city_code=sign_in.city_code,
        key_id=tenure.id,
        secret_prefix=str(sign_in.id),
        scopes=scopes_of_role(opened.held.post.role),
        ends=sign_in.ends_at,
    )
    seconds = int((token.expires_at - token.issued_at).total_seconds())
    return _answer(opened_out(opened, text, seconds))


@router.post(
    "/sign-in",
    responses={**answering("SessionBegun"), **refusals(401, 403, 409)},
    response_model=SessionOpenedOut,
    openapi_extra=_open("SignIn", "SignInOnDevice"),
)
async def sign_in(body: SignInIn, request: Request, resources: ResourcesDep) -> Response:
    """Begin a session of a user, in one of the posts that they hold.

    A user name that nobody has, a wrong password and one that is locked are refused alike
    (`sign-in-refused`); after six wrong attempts a user is locked for ten minutes. Administrators
    need a second factor. `Idempotency-Key` has no meaning here.
    """
    device = Device() if body.device is None else body.device.device()
    proof = body.proof(network_shown(address_of(request)))
    opened = await resources.reception.sign_in(proof, post_id=body.post_id, device=device)
    return await _with_token(resources, opened)


def _counting(request: Request, resources: Resources) -> Admit:
    """Return a callback that rate-limits attempts by provider, beside those by address."""

    async def admit(provider_id: UUID) -> None:
        if resources.limits is not None:
            told = context_of(request).limited.told
            await resources.limits.admit(told, f"provider:{provider_id}", "provider_sign_ins")

    return admit


@router.post(
    "/sign-in/provider",
    responses={**answering("SessionBegunByApp"), **refusals(401, 403, 409, 503)},
    response_model=SessionOpenedOut,
    openapi_extra=_open("SignInByApp"),
)
async def sign_in_by_provider(
    body: ProviderSignInIn, request: Request, resources: ResourcesDep
) -> Response:
    """Begin a session of whoever a government app says has come; see `POST /v1/sign-in`.

    The user has linked the account before (`POST /v1/sign-in/link`). An account that nobody has
    linked, a user who has left, one who is locked and a code that is not good are refused alike
    (`sign-in-refused`). Second factor and choice of a post are as with a password, but the code of
    the app is used up by then: get another one. Where no such provider is set up, as none is in a
    new installation, it is 409 `sign-in-not-provisioned`; where the app does not answer, 503
    `sign-in-provider-unavailable`.
    """
    device = Device() if body.device is None else body.device.device()
    opened = await resources.providers.sign_in(
        body.proof(network_shown(address_of(request))),
        admit=_counting(request, resources),
        post_id=body.post_id,
        device=device,
    )
    return await _with_token(resources, opened)


@router.post(
    "/sign-in/link",
    status_code=204,
    responses=refusals(401, 409, 503),
    openapi_extra=_open("AccountLinked"),
)
async def link_account(body: LinkIn, request: Request, resources: ResourcesDep) -> None:
    """Link an account of a government app to whoever proves who they are with their password.

    From then on `POST /v1/sign-in/provider` lets them in. Only a keyed digest of the account's id
    is kept. Another account of the same provider takes the place of the one before.
    """
    proof = body.proof(network_shown(address_of(request)))
    await resources.providers.link(
        proof, body.provider, body.sent, admit=_counting(request, resources)
    )


@router.post(
    "/token/refresh",
    responses={**answering("SessionWentOn"), **refusals(401)},
    response_model=SessionOpenedOut,
    openapi_extra=_open("Refresh", "RefreshOfDevice"),
)
async def refresh_token(body: RefreshIn, resources: ResourcesDep) -> Response:
    """Go on with a session: give a refresh token, and get another and an access token.

    Each is good once. One that comes a second time was stolen, or its thief was first: the session
    ends, and its owner sees it at `GET /v1/me`. After any refusal (`reauthenticate`) the user
    signs in again; what a device has not sent yet it keeps and sends then.
    """
    opened = await resources.reception.refresh(body.refresh_token, body.device_proof)
    return await _with_token(resources, opened)


@router.post(
    "/sign-in/invitation",
    responses={**answering("InvitationAccepted"), **refusals(401)},
    response_model=InvitationAcceptedOut,
    openapi_extra=_open("Invitation"),
)
async def accept_invitation(body: InvitationIn, resources: ResourcesDep) -> Response:
    """Set the first password by an invitation, which is used up by it."""
    person = await resources.reception.accept(body.invitation, body.new_password)
    return _answer(InvitationAcceptedOut(user_id=person.id, username=person.username or ""))


@router.post(
    "/sign-in/password",
    status_code=204,
    responses=refusals(401),
    openapi_extra=_open("PasswordChange"),
)
async def change_password(body: PasswordIn, request: Request, resources: ResourcesDep) -> None:
    """Set another password; every session of the user ends within five seconds."""
    proof = body.proof(network_shown(address_of(request)))
    await resources.reception.change_password(proof, body.new_password)
    resources.keys.forget()


@router.post(
    "/sign-in/second-factor",
    responses={**answering("SecondFactor"), **refusals(401)},
    response_model=SecondFactorOut,
    openapi_extra=_open("SecondFactorAsked"),
)
async def set_up_second_factor(
    body: ProofIn, request: Request, resources: ResourcesDep
) -> Response:
    """Get a new second factor: a secret for an authenticator, and ten recovery codes.

    It counts from the first sign-in with a code of it. Who has one already needs a code of that.
    """
    proof = body.proof(network_shown(address_of(request)))
    made: NewFactor = await resources.reception.set_up_factor(proof)
    return _answer(
        SecondFactorOut(
            secret=made.secret, address=made.address, recovery_codes=made.recovery_codes
        )
    )

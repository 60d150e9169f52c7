"""The route that partners' gateways call."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic_core import from_json, to_json
from typing_extensions import override

from services.api.context import Resources, ResourcesDep
from services.api.contract.shown import answering
from services.api.gateways.facade import (
    OPERATIONS,
    Answered,
    asked,
    carried_out,
    instants_here,
    operation_of,
    page_of,
    read_page,
    with_members,
)
from services.api.gateways.quirks import heard, written
from services.api.known_partners import SignedCall
from services.api.problems import Problem, language_of, problem_of
from services.api.request_context import context_of
from services.api.second_try import tried_again
from services.api.signed_calls import call_of
from services.core.gateways.profiles import PROFILES, Profile
from services.core.gateways.sm_envelope import SmKeys, sealed
from services.core.kit.errors import DomainError, Fault, InvalidInput
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.text import Text
from services.core.plan.errors import PlanNotFound


class FacadeRoute(APIRoute):
    """Admits anybody; the endpoint authenticates and answers in its own format."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return tried_again(super().get_route_handler())


router = APIRouter(
    tags=["gateway"],
    route_class=FacadeRoute,
    strict_content_type=False,
    generate_unique_id_function=lambda route: route.name,
)

PREFIX = "/gw/v1"
_ZONE = "Asia/Shanghai"
"""The time zone of calls about no plan."""

_DONE = Text("成功", "done")
_REFUSED = Text("未完成", "not done")
_IN_BODY = Text("所有内容请写入请求体，不用查询参数", "Say all in the body, nothing in the query")
_OK = 200
_QUIRKS = ("numbers", "blanks", "request_id")
_HEADERS_FIRST = sorted(PROFILES.values(), key=lambda one: (one.in_body, one.name[0] != "w"))
_TRIED = [one.name for one in _HEADERS_FIRST]


class EnvelopeOut(BaseModel):
    """What every call is answered with, always as HTTP 200."""

    code: int = Field(
        description="200: done; otherwise the status that the contract's own path would answer,"
        " or the one code that the partner's platform knows"
    )
    message: str = Field(description="What it came to, for people")
    data: Any = Field(
        description="What the operation answers; for a refusal its `problem`, a code of"
        " `x-problem-codes`, `errors`, and what its problem tells beside them"
    )


_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": True,
                "description": "The operation's members, flat: those of its path, its query and"
                " its body by their own names; `page` from 1 and `pagesize` for lists;"
                " `request_id`, under which a repeat is answered as the first was;"
                " `numbers`: `text`, and `blanks`: `text`, for numbers and for nothing as text",
            },
            "examples": {"GatewayCall": {}},
        }
    },
}


@router.post(
    f"{PREFIX}/{{operation}}",
    responses=answering("GatewayAnswer"),
    response_model=EnvelopeOut,
    openapi_extra={"security": [{"signature": []}], "requestBody": _BODY},
)
async def call_by_gateway(
    operation: Annotated[
        str,
        Path(
            max_length=60,
            description=f"Name of an operation of this contract: {', '.join(OPERATIONS)}",
            examples=["list_submissions"],
        ),
    ],
    request: Request,
    resources: ResourcesDep,
) -> Response:
    """Carry out an operation for a partner's platform, whose gateway signs by its own profile.

    It is the operation of that name, with its rights, its reach and its refusals, as the key that
    the partner acts as. Every answer is HTTP 200 with `code`, `message` and `data`; instants are
    `yyyy-MM-dd HH:mm:ss` of the plan's time zone. `docs/integrators/gateways.md` tells which
    headers sign a call. A database that is away is still 503.
    """
    try:
        call = await resources.partners.let_in(request, operation, _TRIED)
    except DomainError as error:
        return _refusal(request, problem_of(error), None)
    try:
        answer = await _answer(operation, request, resources, call)
    except DomainError as error:
        call.fault = True
        answer = _refusal(request, problem_of(error), call.partner.profile)
    return answer if call.sm_keys is None else await _closed(answer, call.sm_keys, resources)


async def _closed(answer: Response, keys: SmKeys, resources: Resources) -> Response:
    """Return an answer with its data in an envelope; SM2 runs in a thread."""
    said = from_json(bytes(answer.body))
    at = int(resources.clock.true_now().timestamp())
    sealed_data = await asyncio.to_thread(sealed, said["data"] or {}, keys, timestamp=at)
    body = to_json({**said, "data": from_json(sealed_data)["data"]})
    headers = {name: one for name, one in answer.headers.items() if name != "content-length"}
    return Response(body, answer.status_code, headers, "application/json")


async def _answer(name: str, request: Request, resources: Resources, call: SignedCall) -> Response:
    operation = operation_of(request.app, name)
    assert operation is not None  # noqa: S101 (a partner may call those that there are only)
    if request.scope["query_string"]:
        query = request.scope["query_string"].decode("latin-1")[:60]
        raise InvalidInput(faults=[Fault("/query", "no-query-taken", _IN_BODY, query)])
    members = await _members(request, call)
    quirks = {one: members.pop(one, None) for one in _QUIRKS}
    texts, blanks = (_chosen(one, quirks[one]) for one in ("numbers", "blanks"))
    zone = await _zone(resources, call, members)
    page = page_of(members) if operation.is_paged else None
    if not operation.has_body:
        members = heard(members, zone)
    key = None if quirks["request_id"] is None else _request_id(quirks["request_id"])
    wanted = asked(operation, members, key)
    if page is None:
        answer = await carried_out(request, operation, wanted, call)
    else:
        answer = await read_page(request, operation, wanted, call, page)

    def shown(data: Any) -> Any:
        told = with_members(data, call.partner.output_fields)
        return written(told, zone, instants_here(request.app), texts=texts, blanks=blanks)

    call.fault = answer.is_refusal
    if answer.is_refusal:
        return _refused(request, answer, call.partner.profile, shown)
    return _envelope(request, _OK, _DONE, shown(answer.read()), answer)


async def _members(request: Request, call: SignedCall) -> dict[str, Any]:
    """Return the members of a call, without those of its signature.

    Raises:
        InvalidInput: the body is not an object.
        MalformedBody: it is not JSON.
    """
    if call.members is not None:
        return dict(call.members)
    profile = call.partner.profile
    said = dict((await call_of(request)).members(profile))
    body = (await request.body()).strip()
    if not said and body not in {b"", b"{}"}:
        if not profile.takes_form:
            read_json(body)  # invalid JSON is refused as everywhere
        shape = Text("请求体应为一个对象（表单方式为表单）", "The body is an object, or a form")
        raise InvalidInput(faults=[Fault("", "not-an-object", shape)])
    signing = {*profile.places.values(), profile.signature} if profile.in_body else set()
    heard_as = _of_form if profile.takes_form else _as_said
    return {name: heard_as(name, value) for name, value in said.items() if name not in signing}


_JSON_IN_A_FORM = frozenset({"items", "scope", "atomic", "draft", "on_behalf_of"})
"""Members that are not text; a form, which has texts only, holds them as JSON."""


def _as_said(_name: str, value: object) -> object:
    return value


def _of_form(name: str, value: object) -> object:
    """Return a member of a form; invalid JSON stays text, to be refused as such."""
    if name not in _JSON_IN_A_FORM or not isinstance(value, str):
        return value
    try:
        return read_json(value.encode())
    except MalformedBody:
        return value


def _chosen(name: str, value: object) -> bool:
    if value is None or value in ("", "text"):
        return value == "text"
    said = Text("应为 text，或不写", "It is `text`, or is left out")
    raise InvalidInput(faults=[Fault(f"/{name}", "unknown-choice", said, str(value)[:60])])


_LONGEST_ID: Literal[255] = 255


def _request_id(value: object) -> str:
    text = str(value)
    if 0 < len(text) <= _LONGEST_ID and text.isascii() and text.isprintable():
        return text
    said = Text(
        "应为 1 到 255 个 ASCII 可见字符，如一个 UUID", "1 to 255 printable characters of ASCII"
    )
    raise InvalidInput(faults=[Fault("/request_id", "not-an-id", said, text[:60])])


async def _zone(resources: Resources, call: SignedCall, members: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone of the plan that a call names; otherwise the default."""
    plan = members.get("plan")
    if not isinstance(plan, str):
        return ZoneInfo(_ZONE)
    try:
        state = await resources.plans.get(plan, call.actor)
    except PlanNotFound:
        return ZoneInfo(_ZONE)  # the operation itself refuses the unknown plan
    return ZoneInfo(state.document.time_zone)


_OF_EVERY_PROBLEM = ("type", "title", "status", "detail", "instance", "code", "errors")


def _refused(
    request: Request, answer: Answered, profile: Profile, shown: Callable[[Any], Any]
) -> Response:
    """Return a refusal of the operation, with its fault pointers mapped to members here.

    Its other members are kept, such as the report of a batch, or the item that exists already.
    """
    said = answer.read() or {}
    told = Text(said.get("detail", ""), said.get("detail", ""))
    _note(request, said.get("code", ""), answer.status)
    beside = [name for name in said if name not in _OF_EVERY_PROBLEM]
    # Members beside the rows are returned whatever members of rows the partner may have.
    more = shown({"items": [], **{name: said[name] for name in beside}})
    data = {
        **{name: more[name] for name in beside},
        "problem": said.get("code"),
        "errors": [_moved(one) for one in said.get("errors", [])],
    }
    code = profile.refused or answer.status
    return _envelope(request, code, told if said else _REFUSED, data, answer)


def _note(request: Request, code: str, status: int) -> None:
    """Let the audit record a refusal, because the response itself is a 200."""
    context = context_of(request)
    context.problem, context.status = code, status


def _moved(fault: Mapping[str, Any]) -> dict[str, Any]:
    pointer = fault["pointer"]
    for place in ("/query/", "/path/"):
        if pointer.startswith(place):
            pointer = "/" + pointer.removeprefix(place)
    if pointer == "/header/idempotency-key":
        pointer = "/request_id"
    return {**fault, "pointer": pointer}


def _refusal(request: Request, problem: Problem, profile: Profile | None) -> Response:
    body = problem.body(language_of(request), context_of(request).request_id)
    _note(request, problem.code, problem.status)
    data = {"problem": body["code"], "errors": body["errors"]}
    code = (profile.refused if profile else None) or problem.status
    told = Text(body["detail"], body["detail"])
    response = _envelope(request, code, told, data, None)
    if "Retry-After" in problem.headers:
        response.headers["Retry-After"] = problem.headers["Retry-After"]
    return response


def _envelope(
    request: Request, code: int, told: Text, data: Any, answer: Answered | None
) -> Response:
    language = language_of(request)
    headers = {"Content-Language": language, "Cache-Control": "no-store"}
    if answer is not None and b"idempotency-replayed" in answer.headers:
        headers["Idempotency-Replayed"] = "true"
    body = to_json({"code": code, "message": told.in_(language), "data": data})
    return Response(body, _OK, headers, "application/json")

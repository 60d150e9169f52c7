"""Routes of the office's own texts in papers: read, and replaced as a whole."""

from typing import Annotated

from fastapi import Depends, Path, Response

from services.api.answers import json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
    check_match,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.papers.schemas import PaperTextsIn, PaperTextsOut, texts_out
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.papers import queries, service
from services.core.papers.office_texts import text_faults
from services.core.papers.paper_kinds import PaperKind
from services.core.plan.state import PlanState

router = versioned_router("papers")

Maker = Annotated[Actor, Depends(permitted(Permission.MAKE_PAPERS))]
KindOfPaper = Annotated[PaperKind, Path(description="A kind of paper", examples=["bulletin"])]


def _etag(plan: PlanState, kind: str, version: int) -> str:
    return f'"paper-texts.{plan.code}.{kind}.{version}"'


@router.get(
    "/plans/{plan}/paper-texts/{kind}",
    responses={**answering("PaperTexts", ETAG), **refusals(403, 404)},
    response_model=PaperTextsOut,
)
async def get_paper_texts(
    actor: Maker,
    plan: PlanInScope,
    kind: KindOfPaper,
    session: Reading,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return the texts of a kind of paper that the office may word itself, as they are in force."""
    del actor
    own = await queries.texts_in_force(session, plan.city_code, plan.code, kind)
    body = texts_out(plan.code, kind, own).model_dump_json().encode()
    etag = _etag(plan, kind, 0 if own is None else own.version)
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.put(
    "/plans/{plan}/paper-texts/{kind}",
    responses={**answering("PaperTextsChanged", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("PaperTextsAsked"),
    response_model=PaperTextsOut,
)
async def change_paper_texts(
    body: PaperTextsIn,
    actor: Maker,
    plan: PlanInScope,
    kind: KindOfPaper,
    session: Writing,
    resources: ResourcesDep,
    if_match: IfMatch = None,
) -> Response:
    """Put other texts in force, whole. `If-Match` is required.

    Papers that are asked for from now on have them; what was made stays as it is.
    """
    faults = text_faults(kind, body.texts, "/texts")
    if faults:
        raise InvalidInput(faults=faults)
    await queries.lock_texts(session, plan, kind)
    own = await queries.texts_in_force(session, plan.city_code, plan.code, kind)
    version = 0 if own is None else own.version
    current = texts_out(plan.code, kind, own).model_dump(mode="json")
    check_match(if_match, _etag(plan, kind, version), required=True, current=current)
    changed = await service.change_texts(
        session,
        plan=plan,
        kind=kind,
        texts=body.texts,
        version=version,
        actor=actor,
        now=resources.clock.now(),
    )
    answer = texts_out(plan.code, kind, changed).model_dump_json().encode()
    return json_answer(answer, etag=_etag(plan, kind, changed.version))

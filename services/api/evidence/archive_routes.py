"""Routes of the office's archive: all evidence of a plan in one file, made by the worker."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response
from pydantic import Field

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.evidence.sending import stored_file
from services.api.file_answers import ZIP, file_answer
from services.api.operations.schemas import OperationOut, operation_out
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.core.evidence import queries
from services.core.evidence.archives.service import ArchiveWish, archive_key, begin_archive
from services.core.evidence.errors import ArchiveNotFound
from services.core.evidence.models import EvidenceArchive
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.file_store import FileStoreNotSet
from services.core.kit.said import CodeIn, Said
from services.core.plan.unknown_codes import parsed_period, unknown_organization

router = versioned_router("evidence")

Office = Annotated[Actor, Depends(permitted(Permission.ARCHIVE_EVIDENCE))]
ArchiveId = Annotated[
    UUID,
    Path(description="Id of an archive", examples=["019bb0f1-7000-7000-8000-0000000000e5"]),
]


class EvidenceArchiveIn(Said):
    """Whose evidence an archive is to hold; nothing said: all of the plan's."""

    period: CodeIn | None = Field(default=None, description="Of this period only")
    organization_code: CodeIn | None = Field(default=None, description="Of this unit only")


@router.post(
    "/plans/{plan}/evidence-archives",
    status_code=202,
    responses={
        **answering("EvidenceArchiveBegun", ETAG, LOCATION, status=202),
        **refusals(403, 404, 409, 503),
    },
    openapi_extra=asking("EvidenceArchiveWish", required=False),
    response_model=OperationOut,
)
@heavy
async def archive_evidence(
    body: EvidenceArchiveIn,
    actor: Office,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Have the worker put all evidence into one archive, with a list of digests.

    `Location` tells how far it is; its `result` says where the archive is had, for a week, and its
    digest. Of each file the list says unit, indicator or measure, period, SHA-256 and SM3.
    Cancelled before it is done, it leaves nothing.
    """
    if resources.files is None:
        raise FileStoreNotSet
    faults = []
    if body.organization_code is not None and body.organization_code not in plan.organizations:
        faults.append(unknown_organization(plan, "/organization_code", body.organization_code))
    if body.period is not None:
        try:
            parsed_period(plan, body.period, "/period")
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults=faults)
    wish = ArchiveWish(plan.code, body.period, body.organization_code)
    _, operation = await begin_archive(session, wish, actor=actor, now=resources.clock.now())
    told = operation_out(operation).model_dump_json().encode()
    answer = json_answer(told, etag=body_etag(told), status=202)
    answer.headers["Location"] = f"/v1/operations/{operation.id}"
    return answer


async def _made(archive_id: ArchiveId, actor: Office, session: Reading) -> EvidenceArchive:
    return await queries.made_archive(session, actor.city_code, archive_id, actor.credential_id)


@router.get(
    "/evidence-archives/{archive_id}/content",
    response_class=Response,
    responses={**file_answer(ZIP, "EvidenceArchiveFile"), **refusals(403, 404, 503)},
)
async def get_evidence_archive(
    archive: Annotated[EvidenceArchive, Depends(_made)],
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return an archive of the caller's, once it is made."""
    if archive.file_token is None or archive.sha256 is None:
        raise ArchiveNotFound
    name = f"evidence-{archive.plan_code}.zip"
    described = {
        "Content-Type": ZIP,
        "Content-Length": str(archive.size),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return await stored_file(
        resources.files,
        archive_key(archive.city_code, archive.file_token),
        described,
        sha256=archive.sha256,
        if_none_match=if_none_match,
    )

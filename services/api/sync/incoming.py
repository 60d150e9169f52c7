"""Converts a call's writes for the ledger. A write of a wrong shape is refused by itself."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from services.api.deferred_faults import DeferredFaults
from services.api.submissions.schemas import SubmissionIn
from services.api.sync.schemas import (
    CompleteWriteIn,
    CreateRowWriteIn,
    CreateWriteIn,
    EditRowWriteIn,
    EditWriteIn,
    MoveWriteIn,
    ProgressWriteIn,
    WithdrawRowWriteIn,
)
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.text import Text
from services.core.plan.slots import Slot
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import REMARKS
from services.core.sync.writes import Sent, Write

Shape = (
    CreateWriteIn
    | EditWriteIn
    | MoveWriteIn
    | ProgressWriteIn
    | CompleteWriteIn
    | CreateRowWriteIn
    | EditRowWriteIn
    | WithdrawRowWriteIn
)
_OF_DEVICES = 7
"""The version of UUID that devices make: ordered by time, so that indexes stay small."""

_MADE_BY_DEVICE = Text(
    "应为设备生成的 UUIDv7，如 019aafc0-0000-7000-8000-000000000000",
    "Must be a UUIDv7 made by the device, such as 019aafc0-0000-7000-8000-000000000000",
)


def writes_of(shapes: Sequence[Shape | DeferredFaults]) -> list[Sent]:
    """Return the writes of a call.

    Raises:
        InvalidInput: a write has no valid id, so that its outcome could never be asked for.
    """
    faults: list[Fault] = []
    sent = []
    for index, shape in enumerate(shapes):
        write_id = _id_of(shape)
        if write_id is None or write_id.version != _OF_DEVICES:
            faults.append(Fault(f"/writes/{index}/id", "uuid7-required", _MADE_BY_DEVICE))
        elif isinstance(shape, DeferredFaults):
            sent.append(_faulty(index, write_id, shape))
        else:
            sent.append(_sound(index, shape))
    if faults:
        raise InvalidInput(faults=faults)
    return sent


def _id_of(shape: Shape | DeferredFaults) -> UUID | None:
    if not isinstance(shape, DeferredFaults):
        return shape.id
    try:
        return UUID(str(shape.members.get("id")))
    except ValueError:
        return None


def _faulty(index: int, write_id: UUID, shape: DeferredFaults) -> Sent:
    said = to_json(dict(shape.members), fallback=str)
    write = Write(
        index=index,
        id=write_id,
        kind="unreadable",
        subject_id=write_id,
        digest=hashlib.sha256(said).digest(),
        faults=tuple(_untagged(faults_of(shape.errors))),
    )
    return Sent(write, said.decode())


def _untagged(faults: Iterable[Fault]) -> Iterable[Fault]:
    """Yield faults without the union tag that pydantic puts into their location."""
    for fault in faults:
        _, _, place = fault.pointer.removeprefix("/").partition("/")
        tagged = "." in fault.pointer.split("/")[1] if fault.pointer else False
        yield Fault(f"/{place}" if tagged else fault.pointer, fault.code, fault.detail, fault.value)


def _sound(index: int, shape: Shape) -> Sent:
    said = shape.model_dump_json(exclude_unset=True)
    write = Write(
        index=index,
        id=shape.id,
        kind=shape.kind,
        subject_id=_subject_of(shape),
        digest=hashlib.sha256(said.encode()).digest(),
        claimed_at=shape.claimed_at,
    )
    match shape:
        case CreateWriteIn():
            write = _creation(write, shape.data)
        case EditWriteIn():
            columns = _said(shape.data, (*FORMS, *REMARKS))
            write = replace(write, base_version=shape.base_version, said=columns)
        case MoveWriteIn():
            write = replace(write, base_version=shape.base_version)
        case ProgressWriteIn():
            write = replace(write, base_version=shape.base_version, said=dict(shape.data))
        case CompleteWriteIn():
            evidence = [piece.model_dump() for piece in shape.data.evidence]
            told = {"narrative": shape.data.narrative, "evidence": evidence}
            write = replace(write, base_version=shape.base_version, said=told)
        case CreateRowWriteIn():
            write = replace(
                write,
                place=(shape.register_code, shape.data.organization_code),
                said=shape.data.values,
                faults=_of_id(write, "/row_id"),
            )
        case EditRowWriteIn():
            write = replace(write, base_version=shape.base_version, said=shape.data.values)
        case WithdrawRowWriteIn():
            write = replace(write, base_version=shape.base_version, reason=shape.data.reason)
    return Sent(write, said)


def _subject_of(shape: Shape) -> UUID:
    if isinstance(shape, ProgressWriteIn | CompleteWriteIn):
        return shape.milestone_id
    if isinstance(shape, CreateRowWriteIn | EditRowWriteIn | WithdrawRowWriteIn):
        return shape.row_id
    return shape.submission_id


def _of_id(write: Write, place: str) -> tuple[Fault, ...]:
    """Return the fault of the id that a device gave to a new item."""
    if write.subject_id.version == _OF_DEVICES:
        return ()
    return (Fault(place, "uuid7-required", _MADE_BY_DEVICE),)


def _creation(write: Write, data: SubmissionIn) -> Write:
    return replace(
        write,
        slot=Slot(data.indicator_code, data.organization_code, data.period),
        said=_said(data, (*FORMS, *REMARKS)),
        draft=data.draft,
        on_behalf_of=data.on_behalf_of,
        faults=_of_id(write, "/submission_id"),
    )


def _said(data: BaseModel, columns: Iterable[str]) -> dict[str, Any]:
    """Return the given members by column; omitted ones stay unchanged."""
    return {name: getattr(data, name) for name in columns if name in data.model_fields_set}

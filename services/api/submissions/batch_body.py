"""Parses the body of a batch: JSON, or NDJSON with one row a line and options in the query.

Parsing and validating thousands of rows is CPU work, and is done in a thread beside the event loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from services.api.deferred_faults import DeferredFaults
from services.api.problems import UnsupportedMediaType
from services.api.routing import LINES
from services.api.submissions.batch_schemas import BatchIn
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.faults import faults_of
from services.core.kit.text import Text
from services.core.submissions.batch.rows import MOST_ROWS, Strategy

JSON = "application/json"
NDJSON = LINES[0]


@dataclass(frozen=True, slots=True)
class Options:
    """The query parameters of an NDJSON batch, by their names in a JSON body."""

    said: dict[str, object]


async def _options(
    strategy: Annotated[
        Strategy | None, Query(description="NDJSON only: as `strategy` of a JSON body")
    ] = None,
    atomic: Annotated[
        bool | None, Query(description="NDJSON only: as `atomic` of a JSON body")
    ] = None,
    draft: Annotated[
        bool | None, Query(description="NDJSON only: as `draft` of a JSON body")
    ] = None,
    period: Annotated[
        str | None, Query(max_length=40, description="NDJSON only: as `scope.period`")
    ] = None,
    organization_code: Annotated[
        str | None, Query(max_length=60, description="NDJSON only: as `scope.organization_code`")
    ] = None,
    indicator_code: Annotated[
        str | None, Query(max_length=60, description="NDJSON only: as `scope.indicator_code`")
    ] = None,
) -> Options:
    scope = {
        "period": period,
        "organization_code": organization_code,
        "indicator_code": indicator_code,
    }
    given = {name: one for name, one in scope.items() if one is not None}
    told = {"strategy": strategy, "atomic": atomic, "draft": draft, "scope": given or None}
    return Options({name: one for name, one in told.items() if one is not None})


SentOptions = Annotated[Options, Depends(_options)]


def read_batch(body: bytes, content_type: str, options: Options) -> BatchIn:
    """Parse the body of a batch; the faults of a row's shape stay with the row.

    Raises:
        MalformedBody: it is not valid JSON; in NDJSON a bad line is only a fault of its row.
        InvalidInput: the batch as a whole has faults.
        UnsupportedMediaType: it is neither.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in {JSON, ""}:
        if options.said:
            raise InvalidInput(faults=[_in_body(name) for name in options.said])
        return _whole(read_json(body))
    if media_type in LINES:
        return _whole({**options.said, "items": list(_lines(body))})
    raise UnsupportedMediaType(
        detail=Text(
            f"请用 Content-Type: {JSON} 或 {NDJSON}",
            f"Send it with Content-Type: {JSON} or {NDJSON}",
        )
    )


def packed(body: bytes, content_type: str, options: Options) -> bytes:
    """Return a batch in the form it was sent, for `unpacked`."""
    return to_json({"content_type": content_type, "said": options.said}) + b"\n" + body


def unpacked(sent: bytes) -> tuple[bytes, str, Options]:
    """Return body, media type and options from the result of `packed`."""
    head, _, body = sent.partition(b"\n")
    told: Any = from_json(head)
    return body, told["content_type"], Options(told["said"])


def _in_body(name: str) -> Fault:
    words = Text(f"JSON 请求请在请求体中写 {name}", f"Of a JSON batch, say {name} in the body")
    return Fault(f"/query/{name}", "in-the-body", words)


def _whole(raw: object) -> BatchIn:
    try:
        return BatchIn.model_validate(raw)
    except ValidationError as error:
        raise InvalidInput(faults=faults_of(error.errors(include_url=False))) from None


def _lines(body: bytes) -> Iterator[object]:
    """Yield the value of each nonblank line, up to one more than a batch may have."""
    told = 0
    for line in body.split(b"\n"):
        if line.strip():
            yield _line(line)
            told += 1
        if told > MOST_ROWS:
            return


def _line(line: bytes) -> object:
    try:
        value = read_json(line)
    except MalformedBody as error:
        return _unreadable(error.detail or error.title)
    if not isinstance(value, dict):
        return _unreadable(Text("每行应为一个 JSON 对象", "Each line is a JSON object"))
    return value


def _unreadable(words: Text) -> DeferredFaults:
    error = ErrorDetails(
        type="malformed_line", loc=(), msg=words.en, input=None, ctx={"zh": words.zh}
    )
    return DeferredFaults([error], {})


def batch_request_body() -> dict[str, Any]:
    """Return the OpenAPI description of the body."""
    return {
        "requestBody": {
            "required": True,
            "description": "As JSON, or as NDJSON: a row a line, as in `items`, and the rest in the"
            " address. Either may be sent with `Content-Encoding: gzip`.",
            "content": {
                JSON: {
                    "schema": {"$ref": "#/components/schemas/BatchIn"},
                    "examples": {"BatchUpsert": {}, "BatchReplace": {}},
                },
                NDJSON: {"schema": {"type": "string"}, "examples": {"BatchLines": {}}},
            },
        }
    }

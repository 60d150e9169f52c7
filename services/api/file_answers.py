"""Responses that are generated files: their name, their ETag and their entry in the contract."""

from typing import Any
from urllib.parse import quote

from fastapi import Response

from services.api.answers import body_etag, etags
from services.api.contract.shown import ETAG, answering
from services.core.kit.file_names import as_file_name

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


ZIP = "application/zip"


def file_answer(media_type: str, example: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI response of a route that answers with a file."""
    answer = answering(example, ETAG, media_type=media_type)
    answer[200]["content"][media_type]["schema"] = {"type": "string", "format": "binary"}
    return answer


def file_response(
    content: bytes, name: str, media_type: str, if_none_match: str | None
) -> Response:
    """Return a file with its name and its ETag, or 304 if the caller has it already."""
    etag = body_etag(content)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if if_none_match is not None and not etags(if_none_match).isdisjoint({etag, "*"}):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(as_file_name(name))}"
    return Response(content, 200, headers, media_type)

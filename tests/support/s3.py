"""A stand-in for an S3-compatible service: as much of it as a store of files asks for."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from xml.sax.saxutils import escape, unescape

from aiohttp import web

BUCKET = "wufei"


class Bucket:
    """What it holds, and the uploads that were begun and not put together yet."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.away = False

    async def answer(self, request: web.Request) -> web.Response:
        key, query = request.match_info["key"].removeprefix(BUCKET).lstrip("/"), request.query
        body = await request.read()
        if self.away:
            return web.Response(status=503)
        match request.method:
            case "GET":
                return self._found(key) if key else self._listed(query.get("prefix", ""))
            case "PUT":
                return self._put(key, query, body)
            case "POST":
                return self._posted(key, query, body)
            case _:
                self.uploads.pop(query.get("uploadId", ""), None)
                self.objects.pop(key, None)
                return web.Response(status=204)

    def _put(self, key: str, query: Mapping[str, str], body: bytes) -> web.Response:
        if "uploadId" in query:
            self.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.objects[key] = body
        return web.Response(headers={"ETag": '"1"'})

    def _posted(self, key: str, query: Mapping[str, str], body: bytes) -> web.Response:
        if "uploads" in query:
            name = f"u{len(self.uploads)}"
            self.uploads[name] = {}
            begun = "InitiateMultipartUploadResult"
            return _xml(f"<{begun}><UploadId>{name}</UploadId></{begun}>")
        if "delete" in query:
            for one in re.findall("<Key>(.*?)</Key>", body.decode()):
                self.objects.pop(unescape(one), None)
            return _xml("<DeleteResult></DeleteResult>")
        parts = self.uploads.pop(query["uploadId"])
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        done = "CompleteMultipartUploadResult"
        return _xml(f"<{done}><ETag>1</ETag></{done}>")

    def _found(self, key: str) -> web.Response:
        if key not in self.objects:
            return _xml("<Error><Code>NoSuchKey</Code></Error>", status=404)
        headers = {"ETag": '"1"', "Last-Modified": "Mon, 24 Nov 2025 08:00:00 GMT"}
        return web.Response(body=self.objects[key], headers=headers)

    def _listed(self, prefix: str) -> web.Response:
        told = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size>"
            "<LastModified>2025-11-24T08:00:00.000Z</LastModified><ETag>1</ETag></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{told}</ListBucketResult>")


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/xml")


@asynccontextmanager
async def serving_s3() -> AsyncIterator[tuple[str, Bucket]]:
    """Yield the address of a service with one empty bucket, and what is in it."""
    bucket = Bucket()
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{key:.*}", bucket.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", bucket
    finally:
        await runner.cleanup()

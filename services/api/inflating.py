"""Decompresses request bodies (`Content-Encoding: gzip`) as they are received.

Memory is bounded however well the body was compressed: one megabyte may inflate to a thousand.
"""

import zlib

from starlette.types import Message

from services.core.kit.exact_data import MalformedBody
from services.core.kit.text import Text

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""Tells zlib to expect a gzip member (RFC 1952)."""


class Inflater:
    """Inflates the chunks of one body, to at most `most` bytes plus one.

    The extra byte shows the body limit that there was more.
    """

    def __init__(self, *, most: int) -> None:
        self._zlib = zlib.decompressobj(_GZIP_WINDOW)
        self._left = most + 1
        self._most_read = most
        self._read = 0

    def inflated(self, message: Message) -> Message:
        """Return an ASGI message of a request with its body inflated.

        Raises:
            MalformedBody: it is not gzip, or the gzip is truncated at the last chunk.
        """
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")
        # An endless gzip header inflates to nothing, so the output bound would never stop it.
        self._read += len(body)
        if self._read > self._most_read:
            raise _no_gzip()
        try:
            inflated = self._zlib.decompress(body, self._left) if self._left else b""
        except zlib.error:
            raise _no_gzip() from None
        self._left -= len(inflated)
        whole = self._zlib.eof and not self._zlib.unused_data
        if not message.get("more_body", False) and self._left and not whole:
            raise _no_gzip()
        return {**message, "body": inflated}


def _no_gzip() -> MalformedBody:
    return MalformedBody(
        Text(
            "请求体不是完整的 gzip，而 Content-Encoding 写的是 gzip",
            "The body is no whole gzip, as its Content-Encoding says",
        )
    )

"""`python -m bench.receiving PORT`: a receiver that does nothing but answer 200, and count.

`GET /count` says how many messages came, and when the last one did (by the monotonic clock,
which all processes of a machine share).
"""

import asyncio
import sys
import time
from typing import cast

import uvloop
from typing_extensions import override

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_HEAD_END = b"\r\n\r\n"
_seen = {"count": 0, "last": 0.0}


class _Receiving(asyncio.Protocol):
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._data = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_HEAD_END)) >= 0:
            head = self._data[:end].lower()
            if head.startswith(b"get"):
                self._count()
                self._data = b""
                return
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            whole = end + len(_HEAD_END) + length
            if len(self._data) < whole:
                return
            self._data = self._data[whole:]
            _seen["count"] += 1
            _seen["last"] = time.monotonic()
            self._transport.write(_ANSWER)

    def _count(self) -> None:
        body = f"{_seen['count']} {_seen['last']}".encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Receiving, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))

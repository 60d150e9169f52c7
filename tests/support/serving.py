"""An application behind the server that serves it in production, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from services.console.commands.doors import SERVING


@asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[int]:
    """Yield the port of this machine that `app`, which is open already, is served at."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", **{**SERVING, **settings})
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


async def exchanged(port: int, *sent: bytes) -> bytes:
    """Return all that a server answers to bytes, which are sent piece by piece, until it closes.

    Whoever sends asks for the end of the connection with its last request.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(30):
            for piece in sent:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            return await reader.read()
    finally:
        writer.close()

"""The ceilings: a bare FastAPI app that runs the same statements with nothing round them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response
from pydantic_core import to_json

from bench.places import bound_statement
from services.core.kit.database import PlainConnection


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=8, max_size=8, connection_class=PlainConnection
    ) as pool:
        app.state.pool = pool
        app.state.ready = b""
        app.state.statements = iter(())
        yield


app = FastAPI(lifespan=_lifespan)

_CREATED = b"{" + b" " * 800 + b"}"
"""As long as the answer to a report."""


@app.put("/values")
async def make_values(first: int, amount: int) -> Response:
    """Compute beforehand what the statement takes for some places."""
    app.state.statements = iter([bound_statement(first + number) for number in range(amount)])
    return Response(status_code=204)


@app.post("/statement")
async def statement(request: Request) -> Response:
    """Take a body and run the statement that creates a submission, with the next values."""
    await request.body()
    async with app.state.pool.acquire() as connection:
        await connection.fetchrow(*next(app.state.statements))
    return Response(_CREATED, 201, {"ETag": '"bench"', "Location": "/bench"}, "application/json")


@app.put("/ready")
async def make_ready(request: Request) -> Response:
    """Take the bytes that `GET /ready` gives back."""
    app.state.ready = await request.body()
    return Response(status_code=204)


@app.get("/ready")
async def ready() -> Response:
    """Return bytes made ready before."""
    return Response(app.state.ready, media_type="application/json")


_LIST = """SELECT * FROM submission WHERE city_code = $1 AND plan_code = $2
AND organization_code = $3 ORDER BY id DESC LIMIT 51"""


@app.get("/list")
async def listed() -> Response:
    """Run the query of a list and write its rows as JSON."""
    async with app.state.pool.acquire() as connection:
        rows: list[Any] = await connection.fetch(_LIST, "410183", "410183-2025", "UN15")
    return Response(to_json([dict(row) for row in rows]), media_type="application/json")

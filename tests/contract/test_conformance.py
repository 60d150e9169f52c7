"""The API held against its own contract: whatever comes in, the answer is one that it promises."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.console.ports import free_port
from tests.support.api import ROOT, Door, open_door

# The feed may wait half a minute for an event, and a plan's document takes as long to make up:
# longer than a bounded run has. Both have tests of their own.
SCHEMA = schemathesis.openapi.from_path(ROOT / "contracts" / "openapi.yaml").exclude(
    operation_id=["read_events", "load_plan_document"]
)
SCHEMA.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API with Xinmi's plan, and keys of it."""
    async with open_door(module_database_url) as opened:
        await opened.new_key("office")
        yield opened


@pytest.fixture(scope="module")
async def office(door: Door) -> str:
    """An office's key."""
    return await door.new_key("office")


@pytest.fixture(scope="module")
def address(door: Door, module_database_url: str) -> Iterator[str]:
    """The API as a server of its own, so that requests go over the wire."""
    from services.api.main import create_app  # noqa: PLC0415 (an application of this thread)
    from services.api.settings import ApiSettings  # noqa: PLC0415

    assert door.admin_secret
    port = free_port()
    chosen = ApiSettings.model_validate({"database_url": module_database_url})
    server = uvicorn.Server(
        uvicorn.Config(create_app(chosen), port=port, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


BOUNDED = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@SCHEMA.parametrize()
@BOUNDED
def test_an_office_is_answered_as_promised(case: Any, address: str, office: str) -> None:
    case.call_and_validate(
        base_url=address, headers={"Authorization": f"Bearer {office}"}, checks=CHECKS
    )

"""The sample client of devices, on a network that fails when it is told to."""

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.api import ROOT, XINMI, Door


@pytest.fixture(scope="module")
def client_module() -> ModuleType:
    """The sample client as a module."""
    path = ROOT / "docs/integrators/offline_client.py"
    spec = importlib.util.spec_from_file_location("offline_client", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["offline_client"] = module
    spec.loader.exec_module(module)
    return module


class NetworkGone(Exception):
    """The network failed, before the request came through or before its answer did."""


class Phone:
    """A phone with the sample client, on a network that fails when the test says so."""

    def __init__(self, module: ModuleType, path: Path, door: Door, secret: str) -> None:
        self._module, self._path = module, path
        self._door, self._secret = door, secret
        self.client = module.OfflineClient(str(path))

    def killed(self) -> None:
        """Start anew from the file."""
        self.client = self._module.OfflineClient(str(self._path))

    async def sync(self, fails: Callable[[], str] = lambda: "never") -> None:
        """Let the client sync in a thread of its own, as it runs on a phone."""
        loop = asyncio.get_running_loop()

        def ask(method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
            how = fails()
            if how == "before":
                raise NetworkGone
            asked = asyncio.run_coroutine_threadsafe(self._asked(method, path, body), loop)
            answer = asked.result(60)
            if how == "after":
                raise NetworkGone
            return answer

        def run() -> None:
            self._module.OfflineClient(str(self._path)).sync(ask, XINMI)

        await asyncio.to_thread(run)

    async def _asked(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        async with self._door.client(self._secret) as client:
            answer = await client.request(method, path.removeprefix("/v1"), json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
